//! Writes of the JSON API: uploads in one request, deletes, changes of metadata.

use bytes::Bytes;
use hyper::{Response, StatusCode};
use serde_json::Value;

use super::body::Frames;
use super::call::Shared;
use super::digest::Digests;
use super::json::{Ask, Reply, json, refused};
use super::object::Fields;
use super::refusal::Refusal;
use super::resource::to_json;
use super::{MAX_OBJECT, Op};

/// What one upload brings.
pub(super) struct Upload {
    pub(super) resource: Value,
    pub(super) body: Bytes,
}

/// `kind`: `multipart` or `media`.
pub(super) async fn insert(shared: &Shared, ask: &Ask<'_>, bucket: &str, kind: &str) -> Reply {
    let read = match kind {
        "multipart" => multipart(ask),
        "media" => Ok(Upload { resource: Value::Null, body: ask.body.clone() }),
        _ => Err(Refusal::invalid("Invalid value for: uploadType")),
    };
    // What cannot be read is refused all the same after the caller was looked at.
    let name = match &read {
        Ok(upload) => name(ask, &upload.resource).to_owned(),
        Err(_) => ask.text("name").to_owned(),
    };
    let endpoint = shared.endpoint();
    let call = ask.call(Op::InsertObject, bucket, &name);
    let outcome = shared.run(call, &ask.parts.headers, |store, ignored| {
        let upload = read?;
        let target = ask.target(bucket, &name)?.obeying(ignored);
        let fields = described(ask, &upload)?;
        Ok(to_json(&*store.insert(&target, upload.body, fields)?, &endpoint))
    });
    Ok(json(outcome.await?))
}

/// The name of the query, else of the resource.
pub(super) fn name<'a>(ask: &'a Ask<'_>, resource: &'a Value) -> &'a str {
    let told = resource.get("name").and_then(Value::as_str);
    match ask.text("name") {
        "" => told.unwrap_or_default(),
        name => name,
    }
}

/// The metadata of an upload; its checksums must be right.
pub(super) fn described(ask: &Ask<'_>, upload: &Upload) -> Result<Fields, Refusal> {
    if upload.body.len() > MAX_OBJECT {
        return Err(Refusal::new(413, "uploadTooLarge", "The object is too large."));
    }
    let text = |name: &str| upload.resource.get(name).and_then(Value::as_str);
    // `x-goog-hash: crc32c=AAAAAA==,md5=...` says the same as the resource.
    let hash = ask.header("x-goog-hash").unwrap_or_default();
    let hashed = |name: &str| hash.split(',').find_map(|part| part.trim().strip_prefix(name));
    let digests = Digests::of(&upload.body);
    digests.check(text("crc32c"), text("md5Hash"))?;
    digests.check(hashed("crc32c="), hashed("md5="))?;
    let mut fields = Fields::default();
    if let Value::Object(_) = upload.resource {
        fields.patch(&upload.resource)?;
    } else if let Some(kind) = ask.header("content-type") {
        fields.fixed.insert("contentType", kind.to_owned());
    }
    Ok(fields)
}

/// Parts: the resource, the bytes, and a third one with checksums where the client computes them on the way.
fn multipart(ask: &Ask<'_>) -> Result<Upload, Refusal> {
    let invalid = |what: &str| Refusal::invalid(format!("Malformed multipart body: {what}."));
    let kind = ask.header("content-type").unwrap_or_default();
    let boundary = kind
        .strip_prefix("multipart/related")
        .and_then(|rest| rest.split_once("boundary="))
        .map(|(_, boundary)| {
            boundary.split(';').next().unwrap_or_default().trim().trim_matches(['"', '\''])
        })
        .filter(|boundary| !boundary.is_empty())
        .ok_or_else(|| invalid("no boundary"))?;
    let mut parts = parts(&ask.body, boundary).ok_or_else(|| invalid("its parts do not end"))?;
    if !(2..=3).contains(&parts.len()) {
        return Err(invalid("two parts are expected, and a third one of checksums"));
    }
    let (checksums, media) = (parts.split_off(2), parts.pop());
    let read = |part: &Part| serde_json::from_slice::<Value>(&part.body).ok();
    let mut resource = parts
        .first()
        .and_then(read)
        .filter(Value::is_object)
        .ok_or_else(|| invalid("no metadata"))?;
    let media = media.ok_or_else(|| invalid("no media"))?;
    if let (Some(kind), Some(fields)) = (media.content_type, resource.as_object_mut()) {
        fields.entry("contentType").or_insert(kind.into());
    }
    for part in checksums {
        let Some(Value::Object(told)) = read(&part) else { return Err(invalid("no checksums")) };
        if let Some(fields) = resource.as_object_mut() {
            fields.extend(told);
        }
    }
    Ok(Upload { resource, body: media.body })
}

struct Part {
    content_type: Option<String>,
    body: Bytes,
}

/// RFC 2046, section 5.1.1.
fn parts(body: &Bytes, boundary: &str) -> Option<Vec<Part>> {
    let delimiter = format!("\r\n--{boundary}");
    let first = &delimiter.as_bytes()[2..];
    if !body.starts_with(first) {
        return None;
    }
    let mut at = first.len();
    let mut parts = Vec::new();
    loop {
        if body[at..].starts_with(b"--") {
            return Some(parts);
        }
        let head = at + find(&body[at..], b"\r\n")? + 2;
        // A part without headers begins with the empty line itself.
        let (headers, start) = match body[head..].starts_with(b"\r\n") {
            true => ("", head + 2),
            false => {
                let end = head + find(&body[head..], b"\r\n\r\n")?;
                (std::str::from_utf8(&body[head..end]).ok()?, end + 4)
            }
        };
        let content_type = headers.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-type").then(|| value.trim().to_owned())
        });
        // An empty part shares its line end with the delimiter.
        let from = start - 2;
        let end = from + find(&body[from..], delimiter.as_bytes())?;
        parts.push(Part {
            content_type,
            body: body.slice(start.min(end.max(start))..end.max(start)),
        });
        at = end + delimiter.len();
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut at = 0;
    while let Some(next) = bytes[at..].iter().position(|byte| *byte == first) {
        at += next;
        if bytes[at..].starts_with(wanted) {
            return Some(at);
        }
        at += 1;
    }
    None
}

pub(super) async fn delete(shared: &Shared, ask: &Ask<'_>, bucket: &str, name: &str) -> Reply {
    let call = ask.call(Op::DeleteObject, bucket, name);
    let outcome = shared.run(call, &ask.parts.headers, |store, ignored| {
        let target = ask.target(bucket, name)?.obeying(ignored);
        store.delete(&target, ask.number("generation")?)
    });
    Ok(match outcome.await?.result {
        Ok(()) => {
            let mut done = Response::new(Frames::default());
            *done.status_mut() = StatusCode::NO_CONTENT;
            done
        }
        Err(refusal) => refused(&refusal),
    })
}

pub(super) async fn patch(shared: &Shared, ask: &Ask<'_>, bucket: &str, name: &str) -> Reply {
    let call = ask.call(Op::UpdateObject, bucket, name);
    let endpoint = shared.endpoint();
    let outcome = shared.run(call, &ask.parts.headers, |store, ignored| {
        let target = ask.target(bucket, name)?.obeying(ignored);
        // Clients that change nothing send nothing.
        let body: &[u8] = if ask.body.is_empty() { b"{}" } else { &ask.body };
        let resource: Value = serde_json::from_slice(body)
            .map_err(|_| Refusal::new(400, "parseError", "Parse Error"))?;
        let object = store.update(&target, |fields| fields.patch(&resource))?;
        Ok(to_json(&object, &endpoint))
    });
    Ok(json(outcome.await?))
}
