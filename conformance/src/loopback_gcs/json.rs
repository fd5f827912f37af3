//! The JSON API: which request is which, and its replies.

use std::collections::HashMap;

use bytes::Bytes;
use http::request::Parts;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Response, StatusCode};
use serde_json::Value;

use super::Op;
use super::body::Frames;
use super::call::{Call, Outcome, Shared};
use super::condition::Conditions;
use super::oauth::{self, Given};
use super::refusal::Refusal;
use super::store::Target;
use super::{reads, resumable, uploads};
use crate::loopback::Cut;

/// Marks a mutation that a client may send again.
pub(super) const IDEMPOTENCY: &str = "x-goog-gcs-idempotency-token";

pub(super) type Reply = Result<Response<Frames>, Cut>;

/// A request, read so far as all operations need it.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub(super) parts: &'a Parts,
    pub(super) query: HashMap<String, String>,
    pub(super) body: Bytes,
}

impl Ask<'_> {
    pub(super) fn text(&self, name: &str) -> &str {
        self.query.get(name).map(String::as_str).unwrap_or_default()
    }

    /// # Errors
    /// 400 where it is no number.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Refusal> {
        let Some(text) = self.query.get(name) else { return Ok(None) };
        let invalid = |_| Refusal::invalid(format!("Invalid value for: {name} is no number"));
        text.parse().map(Some).map_err(invalid)
    }

    pub(super) fn conditions(&self) -> Result<Conditions, Refusal> {
        Ok(Conditions {
            generation: self.number("ifGenerationMatch")?,
            generation_not: self.number("ifGenerationNotMatch")?,
            metageneration: self.number("ifMetagenerationMatch")?,
            metageneration_not: self.number("ifMetagenerationNotMatch")?,
        })
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(super) fn target(&self, bucket: &str, name: &str) -> Result<Target, Refusal> {
        Ok(Target {
            bucket: bucket.to_owned(),
            name: name.to_owned(),
            conditions: self.conditions()?,
            idempotency: self.header(IDEMPOTENCY).map(str::to_owned),
        })
    }

    pub(super) fn call(&self, op: Op, bucket: &str, key: &str) -> Call {
        let conditional = self
            .query
            .keys()
            .any(|name| name.starts_with("ifGeneration") || name.starts_with("ifMetageneration"));
        Call { op, bucket: bucket.to_owned(), key: key.to_owned(), conditional }
    }
}

pub(super) async fn answer(shared: &Shared, parts: &Parts, body: Bytes) -> Reply {
    let path = parts.uri.path();
    if let Some(given) = oauth::answer(&parts.method, path, &parts.headers, &body) {
        return Ok(give(shared, given));
    }
    let query = query(parts.uri.query().unwrap_or_default());
    let ask = Ask { parts, query, body };
    let (path, upload) = match path.strip_prefix("/upload") {
        Some(path) => (path, true),
        None => (path.strip_prefix("/download").unwrap_or(path), false),
    };
    let path: Option<Vec<String>> =
        path.strip_prefix("/storage/v1/b/").map(|path| path.split('/').map(decode).collect());
    let path: Vec<&str> = path.iter().flatten().map(String::as_str).collect();
    match (&parts.method, upload, path.as_slice()) {
        (&Method::POST, true, [bucket, "o"]) => match ask.text("uploadType") {
            "resumable" => resumable::start(shared, &ask, bucket).await,
            kind => uploads::insert(shared, &ask, bucket, kind).await,
        },
        (&Method::PUT, true, [bucket, "o"]) => resumable::go_on(shared, &ask, bucket).await,
        (&Method::GET, false, [bucket]) => reads::bucket(shared, &ask, bucket).await,
        (&Method::GET, false, [bucket, "o"]) => reads::list(shared, &ask, bucket).await,
        (&Method::GET, false, [bucket, "o", name]) if ask.text("alt") == "media" => {
            reads::media(shared, &ask, bucket, name).await
        }
        (&Method::GET, false, [bucket, "o", name]) => reads::get(shared, &ask, bucket, name).await,
        (&Method::DELETE, false, [bucket, "o", name]) => {
            uploads::delete(shared, &ask, bucket, name).await
        }
        (&Method::PATCH, false, [bucket, "o", name]) => {
            uploads::patch(shared, &ask, bucket, name).await
        }
        _ => {
            let refused = |_: &mut _, _| -> Result<Value, Refusal> {
                Err(Refusal::new(404, "notFound", "Not Found"))
            };
            let outcome = shared.run(ask.call(Op::Other, "", ""), &parts.headers, refused).await?;
            Ok(json(outcome))
        }
    }
}

fn give(shared: &Shared, given: Result<Given, Refusal>) -> Response<Frames> {
    let status = given.as_ref().err().map_or(200, |refusal| refusal.status);
    shared.log().push(super::Request {
        op: Op::GiveToken,
        bucket: String::new(),
        key: String::new(),
        access_key: String::new(),
        conditional: false,
        status,
    });
    match given {
        Ok(Given::Json(value)) => json(Outcome { result: Ok(value), truncated: false }),
        Ok(Given::Text(text)) => {
            reply(StatusCode::OK, "text/plain", Bytes::from_static(text.as_bytes()))
        }
        Err(refusal) => {
            let body = serde_json::json!({ "error": refusal.reason, "error_description": refusal.message });
            reply(status_of(refusal.status), "application/json", body.to_string().into())
        }
    }
}

/// A resource, or why there is none.
pub(super) fn json(outcome: Outcome<Value>) -> Response<Frames> {
    match outcome.result {
        Err(refusal) => refused(&refusal),
        Ok(value) => {
            let body = Bytes::from(value.to_string());
            let mut whole = reply(StatusCode::OK, "application/json; charset=UTF-8", body.clone());
            if outcome.truncated {
                *whole.body_mut() = Frames::half(&body);
            }
            whole
        }
    }
}

pub(super) fn refused(refusal: &Refusal) -> Response<Frames> {
    let status = status_of(refusal.status);
    if status == StatusCode::NOT_MODIFIED {
        let mut reply = Response::new(Frames::default());
        *reply.status_mut() = status;
        return reply;
    }
    reply(status, "application/json; charset=UTF-8", refusal.to_json().to_string().into())
}

pub(super) fn reply(status: StatusCode, kind: &str, body: Bytes) -> Response<Frames> {
    let length = body.len();
    let mut reply = Response::new(Frames::whole(body));
    *reply.status_mut() = status;
    let kind = HeaderValue::from_str(kind);
    let octets = HeaderValue::from_static("application/octet-stream");
    reply.headers_mut().insert(CONTENT_TYPE, kind.unwrap_or(octets));
    reply.headers_mut().insert(CONTENT_LENGTH, length.into());
    reply
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn query(text: &str) -> HashMap<String, String> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| (decode(name), decode(&value.replace('+', " ")))).collect()
}

/// Percent-decoded; what is not encoded rightly stays as it is.
fn decode(text: &str) -> String {
    certstore_core::options::decode(text).unwrap_or_else(|_| text.to_owned())
}
