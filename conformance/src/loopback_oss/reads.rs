//! GetObject, HeadObject, GetObjectMeta.

use bytes::Bytes;
use http::StatusCode;

use super::body::ReplyBody;
use super::reply::{self, Refusal, Reply, set};
use super::request::Ask;
use super::store::{Kind, Object, Store, Version, Versioning};

/// The bytes that are asked for: all of them, or from the first to the last.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    All,
    Range(usize, usize),
    /// None of it is there.
    Unsatisfiable,
}

/// The object with its body; without, in reply to HEAD.
pub(super) fn get(store: &Store, ask: &Ask, with_body: bool) -> Result<Reply, Refusal> {
    let (version, object, keeps) = find(store, ask)?;
    let quoted = format!("\"{}\"", object.etag);
    let is = |header: &str| header == "*" || header.trim_matches('"') == object.etag;
    let (unless, only) = (ask.header("if-none-match"), ask.header("if-match"));
    if !only.is_empty() && !is(only) {
        let message = "At least one of the pre-conditions you specified did not hold.";
        return Err(Refusal::new(
            StatusCode::PRECONDITION_FAILED,
            "PreconditionFailed",
            "0001-00000001",
            message,
        ));
    }
    if !unless.is_empty() && is(unless) {
        let mut reply = reply::with_status(StatusCode::NOT_MODIFIED);
        set(&mut reply, "etag", &quoted);
        set(&mut reply, "last-modified", &httpdate::fmt_http_date(version.modified));
        return Ok(reply);
    }
    let mut reply = reply::ok();
    let body =
        match part(ask.header("range"), ask.header("x-oss-range-behavior"), object.body.len()) {
            Part::All => object.body.clone(),
            Part::Range(first, last) => {
                *reply.status_mut() = StatusCode::PARTIAL_CONTENT;
                let told = format!("bytes {first}-{last}/{}", object.body.len());
                set(&mut reply, "content-range", &told);
                object.body.slice(first..=last)
            }
            Part::Unsatisfiable => {
                let message = "The requested range cannot be satisfied";
                let status = StatusCode::RANGE_NOT_SATISFIABLE;
                return Err(Refusal::new(status, "InvalidRange", "0017-00000501", message));
            }
        };
    describe(&mut reply, version, object, keeps);
    set(&mut reply, "content-length", &body.len().to_string());
    *reply.body_mut() = ReplyBody::whole(if with_body { body } else { Bytes::new() });
    Ok(reply)
}

/// Length, ETag and time only.
pub(super) fn meta(store: &Store, ask: &Ask) -> Result<Reply, Refusal> {
    let (version, object, _) = find(store, ask)?;
    let mut reply = reply::ok();
    set(&mut reply, "etag", &format!("\"{}\"", object.etag));
    set(&mut reply, "last-modified", &httpdate::fmt_http_date(version.modified));
    set(&mut reply, "content-length", &object.body.len().to_string());
    Ok(reply)
}

/// The version that is asked for, its object, and whether the bucket keeps or has kept versions.
fn find<'a>(store: &'a Store, ask: &Ask) -> Result<(&'a Version, &'a Object, bool), Refusal> {
    let bucket = store.bucket(&ask.bucket)?;
    let (id, keeps) = (ask.param("versionId"), bucket.versioning != Versioning::Off);
    let version = bucket.version(&ask.key, id);
    if let Some(version) = version
        && let Some(object) = version.object.as_deref()
    {
        return Ok((version, object, keeps));
    }
    let (code, ec, message) = match id {
        Some(_) => ("NoSuchVersion", "0026-00000003", "The specified version does not exist."),
        None => ("NoSuchKey", "0026-00000001", "The specified key does not exist."),
    };
    let refusal = Refusal::new(StatusCode::NOT_FOUND, code, ec, message)
        .with_element("Key", ask.key.as_str());
    Err(match version {
        Some(marker) => refusal
            .with_header("x-oss-delete-marker", "true")
            .with_header("x-oss-version-id", marker.id.as_str()),
        None => refusal,
    })
}

fn describe(reply: &mut Reply, version: &Version, object: &Object, keeps: bool) {
    set(reply, "etag", &format!("\"{}\"", object.etag));
    set(reply, "last-modified", &httpdate::fmt_http_date(version.modified));
    set(reply, "x-oss-object-type", object.kind.name());
    set(reply, "x-oss-storage-class", "Standard");
    set(reply, "x-oss-hash-crc64ecma", &object.crc64.to_string());
    set(reply, "accept-ranges", "bytes");
    if object.kind == Kind::Appendable {
        set(reply, "x-oss-next-append-position", &object.body.len().to_string());
    }
    if keeps {
        set(reply, "x-oss-version-id", &version.id);
    }
    let content_type = Some(object.content_type.as_str()).filter(|text| !text.is_empty());
    set(reply, "content-type", content_type.unwrap_or("application/octet-stream"));
    for (name, value) in &object.metadata {
        let name = http::HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_str(value)) {
            reply.headers_mut().insert(name, value);
        }
    }
}

/// A range that is none, or lies outside, gives the whole object, unless the `standard` behaviour is asked for.
fn part(header: &str, behavior: &str, length: usize) -> Part {
    let Some((first, last)) = header.strip_prefix("bytes=").and_then(|range| range.split_once('-'))
    else {
        return Part::All;
    };
    let standard = behavior == "standard";
    let outside = if standard { Part::Unsatisfiable } else { Part::All };
    let end = length.saturating_sub(1);
    match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), _) if first >= length => outside,
        (Ok(first), Err(_)) if last.is_empty() => Part::Range(first, end),
        (Ok(first), Ok(last)) if first <= last && last < length => Part::Range(first, last),
        (Ok(first), Ok(last)) if first <= last && standard => Part::Range(first, end),
        (Err(_), Ok(count)) if first.is_empty() && (1..=length).contains(&count) => {
            Part::Range(length - count, end)
        }
        (Err(_), Ok(1..)) if first.is_empty() && standard && length > 0 => Part::Range(0, end),
        (Err(_), Ok(_)) if first.is_empty() => outside,
        _ => Part::All,
    }
}

#[cfg(test)]
#[path = "reads_tests.rs"]
mod tests;
