//! Resumable uploads: <https://cloud.google.com/storage/docs/resumable-uploads>.

use bytes::{Bytes, BytesMut};
use hyper::header::{HeaderValue, LOCATION, RANGE};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::body::Frames;
use super::call::Shared;
use super::json::{Ask, Reply, refused, reply};
use super::object::check_name;
use super::refusal::Refusal;
use super::resource::to_json;
use super::store::{Store, Target};
use super::uploads::{Upload, described, name};
use super::{MAX_OBJECT, Op};

/// The parts of an upload but the last one are multiples of this, in bytes.
const CHUNK: usize = 256 * 1024;

/// An upload under way.
#[derive(Debug)]
pub(super) struct Session {
    target: Target,
    resource: Value,
    body: BytesMut,
    /// The resource of the object that it became.
    done: Option<Value>,
}

pub(super) async fn start(shared: &Shared, ask: &Ask<'_>, bucket: &str) -> Reply {
    let resource: Value = match ask.body.is_empty() {
        true => json!({}),
        false => serde_json::from_slice(&ask.body).unwrap_or(Value::Null),
    };
    let name = name(ask, &resource).to_owned();
    let call = ask.call(Op::StartUpload, bucket, &name);
    let started = shared.run(call, &ask.parts.headers, |store, ignored| {
        let mut resource = resource;
        let Some(fields) = resource.as_object_mut() else {
            return Err(Refusal::new(400, "parseError", "Parse Error"));
        };
        if let Some(kind) = ask.header("x-upload-content-type") {
            fields.entry("contentType").or_insert(kind.into());
        }
        check_name(&name)?;
        let target = ask.target(bucket, &name)?.obeying(ignored);
        let live = store.bucket(bucket)?.objects.get(&name);
        target.conditions.judge_write(live.map(std::sync::Arc::as_ref))?;
        let id = format!("session-{:08}", store.sessions.len());
        // The data that follow carry no token of their own.
        let target = Target { idempotency: None, ..target };
        let session = Session { target, resource, body: BytesMut::new(), done: None };
        store.sessions.insert(id.clone(), session);
        Ok(id)
    });
    let id = match started.await?.result {
        Ok(id) => id,
        Err(refusal) => return Ok(refused(&refusal)),
    };
    // Of the server's own address: clients send `Host` without the port.
    let place = format!(
        "{}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={id}",
        shared.endpoint()
    );
    let mut reply = reply(StatusCode::OK, "text/plain", Bytes::new());
    if let Ok(place) = HeaderValue::from_str(&place) {
        reply.headers_mut().insert(LOCATION, place);
    }
    Ok(reply)
}

/// What a part of an upload has brought.
enum Progress {
    Done(Value),
    /// So many bytes are there.
    Has(usize),
}

pub(super) async fn go_on(shared: &Shared, ask: &Ask<'_>, bucket: &str) -> Reply {
    let id = ask.text("upload_id");
    let name = shared.store().sessions.get(id).map(|session| session.target.name.clone());
    let call = ask.call(Op::ContinueUpload, bucket, &name.unwrap_or_default());
    let endpoint = shared.endpoint();
    let outcome =
        shared.run(call, &ask.parts.headers, |store, _| advance(store, id, ask, &endpoint));
    let outcome = outcome.await?;
    Ok(match outcome.result {
        Err(refusal) => refused(&refusal),
        Ok(Progress::Done(resource)) => {
            reply(StatusCode::OK, "application/json; charset=UTF-8", resource.to_string().into())
        }
        Ok(Progress::Has(length)) => incomplete(length),
    })
}

fn incomplete(length: usize) -> Response<Frames> {
    let mut reply = reply(StatusCode::PERMANENT_REDIRECT, "text/plain", Bytes::new());
    if length > 0
        && let Ok(range) = HeaderValue::from_str(&format!("bytes=0-{}", length - 1))
    {
        reply.headers_mut().insert(RANGE, range);
    }
    reply
}

fn advance(
    store: &mut Store,
    id: &str,
    ask: &Ask<'_>,
    endpoint: &str,
) -> Result<Progress, Refusal> {
    let no_session = || Refusal::new(404, "notFound", "No such upload session.");
    let session = store.sessions.get_mut(id).ok_or_else(no_session)?;
    if let Some(done) = &session.done {
        return Ok(Progress::Done(done.clone()));
    }
    let range = ContentRange::of(ask)?;
    if let Some(first) = range.first {
        if first > session.body.len() {
            return Err(Refusal::new(503, "backendError", "Invalid request: a part is missing."));
        }
        // A part that comes again brings what is not there yet.
        let skip = (session.body.len() - first).min(ask.body.len());
        session.body.extend_from_slice(&ask.body[skip..]);
    }
    if session.body.len() > MAX_OBJECT {
        return Err(Refusal::new(413, "uploadTooLarge", "The object is too large."));
    }
    let has = session.body.len();
    // An end without a length is the end of a body of unknown size.
    let total = range.total.or((range.open && range.first.is_some()).then_some(has));
    match total {
        Some(total) if has == total => {}
        Some(total) if has > total => {
            return Err(Refusal::invalid("the upload has more bytes than it said"));
        }
        _ if range.first.is_some() && !has.is_multiple_of(CHUNK) => {
            session.body.truncate(has - has % CHUNK);
            return Err(Refusal::invalid("a part that is not the last is a multiple of 256 KiB"));
        }
        _ => return Ok(Progress::Has(has)),
    }
    let upload = Upload { resource: session.resource.clone(), body: session.body.clone().freeze() };
    let target = session.target.clone();
    let fields = described(ask, &upload)?;
    let resource = to_json(&*store.insert(&target, upload.body, fields)?, endpoint);
    if let Some(session) = store.sessions.get_mut(id) {
        session.done = Some(resource.clone());
        session.body = BytesMut::new();
    }
    Ok(Progress::Done(resource))
}

/// `bytes 0-99/100`, `bytes 0-99/*`, `bytes 0-*/*`, and without bytes `bytes */100` or `bytes */*`.
struct ContentRange {
    first: Option<usize>,
    total: Option<usize>,
    /// The last byte is not known.
    open: bool,
}

impl ContentRange {
    fn of(ask: &Ask<'_>) -> Result<Self, Refusal> {
        let Some(text) = ask.header("content-range") else {
            return Ok(Self { first: Some(0), total: Some(ask.body.len()), open: false });
        };
        let invalid = || Refusal::invalid(format!("Invalid Content-Range: {text}"));
        let (range, total) = text
            .strip_prefix("bytes ")
            .and_then(|text| text.split_once('/'))
            .ok_or_else(invalid)?;
        let number = |text: &str| text.parse::<usize>().map_err(|_| invalid());
        let total = if total == "*" { None } else { Some(number(total)?) };
        if range == "*" {
            return Ok(Self { first: None, total, open: false });
        }
        let (first, last) = range.split_once('-').ok_or_else(invalid)?;
        let first = number(first)?;
        if last != "*" && number(last)?.checked_sub(first).map(|n| n + 1) != Some(ask.body.len()) {
            return Err(invalid());
        }
        Ok(Self { first: Some(first), total, open: last == "*" })
    }
}
