//! Reads of the JSON API: bytes, metadata, lists, the bucket.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{CONTENT_RANGE, ETAG, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::Op;
use super::body::Frames;
use super::call::Shared;
use super::json::{Ask, Reply, json, refused, reply};
use super::list::{Query, page};
use super::object::Object;
use super::refusal::Refusal;
use super::resource::to_json;

pub(super) async fn bucket(shared: &Shared, ask: &Ask<'_>, bucket: &str) -> Reply {
    let call = ask.call(Op::GetBucket, bucket, "");
    let outcome = shared.run(call, &ask.parts.headers, |store, _| {
        store.bucket(bucket)?;
        Ok(json!({
            "kind": "storage#bucket",
            "id": bucket,
            "name": bucket,
            "location": "EUROPE-WEST1",
            "locationType": "region",
            "storageClass": "STANDARD",
            "metageneration": "1",
            "etag": "CAE=",
        }))
    });
    Ok(json(outcome.await?))
}

pub(super) async fn list(shared: &Shared, ask: &Ask<'_>, bucket: &str) -> Reply {
    let call = ask.call(Op::ListObjects, bucket, ask.text("prefix"));
    let endpoint = shared.endpoint();
    let outcome = shared.run(call, &ask.parts.headers, |store, _| {
        if ask.text("versions") == "true" || !ask.text("matchGlob").is_empty() {
            return Err(Refusal::invalid("versions and matchGlob are not served here"));
        }
        let query = Query {
            prefix: ask.text("prefix").to_owned(),
            delimiter: ask.text("delimiter").to_owned(),
            trailing: ask.text("includeTrailingDelimiter").eq_ignore_ascii_case("true"),
            start: ask.text("startOffset").to_owned(),
            end: ask.text("endOffset").to_owned(),
            token: ask.text("pageToken").to_owned(),
            size: ask.number("maxResults")?.unwrap_or(0),
        };
        let page = page(&store.bucket(bucket)?.objects, &query)?;
        let items: Vec<Value> =
            page.objects.iter().map(|object| to_json(object, &endpoint)).collect();
        let mut body = json!({ "kind": "storage#objects" });
        if !items.is_empty() {
            body["items"] = items.into();
        }
        if !page.prefixes.is_empty() {
            body["prefixes"] = page.prefixes.into();
        }
        if let Some(next) = page.next {
            body["nextPageToken"] = next.into();
        }
        Ok(body)
    });
    Ok(json(outcome.await?))
}

pub(super) async fn get(shared: &Shared, ask: &Ask<'_>, bucket: &str, name: &str) -> Reply {
    let endpoint = shared.endpoint();
    let outcome =
        shared.run(ask.call(Op::GetObject, bucket, name), &ask.parts.headers, |store, _| {
            let object = store.object(bucket, name, ask.number("generation")?)?;
            ask.conditions()?.judge_read(&object)?;
            Ok(to_json(&object, &endpoint))
        });
    Ok(json(outcome.await?))
}

/// The bytes, or some of them.
pub(super) async fn media(shared: &Shared, ask: &Ask<'_>, bucket: &str, name: &str) -> Reply {
    let outcome =
        shared.run(ask.call(Op::ReadObject, bucket, name), &ask.parts.headers, |store, _| {
            let object = store.object(bucket, name, ask.number("generation")?)?;
            ask.conditions()?.judge_read(&object)?;
            let range =
                ask.header("range").map(|range| ranged(range, object.body.len())).transpose()?;
            Ok((object, range))
        });
    let outcome = outcome.await?;
    let (object, range) = match outcome.result {
        Ok(found) => found,
        // Of media the service says why in plain text.
        Err(refusal) if refusal.status == 404 => {
            let text = Bytes::from(refusal.message);
            return Ok(reply(StatusCode::NOT_FOUND, "text/html; charset=UTF-8", text));
        }
        Err(refusal) => return Ok(refused(&refusal)),
    };
    let mut whole = with_bytes(&object, range);
    if outcome.truncated {
        *whole.body_mut() = Frames::half(&object.body);
    }
    Ok(whole)
}

fn with_bytes(object: &Arc<Object>, range: Option<Range<usize>>) -> Response<Frames> {
    let kind = object.fields.fixed("contentType").unwrap_or("application/octet-stream");
    let total = object.body.len();
    let (status, body) = match &range {
        Some(range) => (StatusCode::PARTIAL_CONTENT, object.body.slice(range.clone())),
        None => (StatusCode::OK, object.body.clone()),
    };
    let mut reply = reply(status, kind, body);
    let digests = &object.digests;
    let hash = format!("crc32c={},md5={}", digests.crc32c_text(), digests.md5_text());
    let mut texts = vec![
        ("x-goog-generation".to_owned(), object.generation.to_string()),
        ("x-goog-metageneration".to_owned(), object.metageneration.to_string()),
        ("x-goog-stored-content-length".to_owned(), total.to_string()),
        ("x-goog-stored-content-encoding".to_owned(), "identity".to_owned()),
        ("x-goog-storage-class".to_owned(), "STANDARD".to_owned()),
        ("x-goog-hash".to_owned(), hash),
        (ETAG.as_str().to_owned(), object.etag()),
    ];
    if let Some(range) = range {
        let text = format!("bytes {}-{}/{total}", range.start, range.end - 1);
        texts.push((CONTENT_RANGE.as_str().to_owned(), text));
    }
    for (name, value) in &object.fields.custom {
        texts.push((format!("x-goog-meta-{}", name.to_ascii_lowercase()), value.clone()));
    }
    for (name, value) in texts {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            reply.headers_mut().insert(name, value);
        }
    }
    reply
}

/// RFC 9110, section 14.1.2, for one range.
fn ranged(header: &str, length: usize) -> Result<Range<usize>, Refusal> {
    let refusal =
        || Refusal::new(416, "requestedRangeNotSatisfiable", "Request range not satisfiable");
    let (first, last) = header
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
        .ok_or_else(refusal)?;
    let number = |text: &str| text.parse::<usize>().map_err(|_| refusal());
    let range = match (first, last) {
        ("", last) => length.saturating_sub(number(last)?)..length,
        (first, "") => number(first)?..length,
        (first, last) => number(first)?..length.min(number(last)?.saturating_add(1)),
    };
    if range.start < range.end { Ok(range) } else { Err(refusal()) }
}
