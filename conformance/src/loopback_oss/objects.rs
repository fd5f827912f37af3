//! PutObject, AppendObject, DeleteObject.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::StatusCode;

use super::call::Struck;
use super::crc64;
use super::reply::{self, Refusal, Reply, set};
use super::request::Ask;
use super::store::{Object, Store, Written};

/// The longest name of an object, in bytes.
const MAX_NAME: usize = 1023;

pub(super) fn put(
    store: &mut Store,
    ask: &Ask,
    struck: &Struck,
    now: SystemTime,
) -> Result<Reply, Refusal> {
    if !ask.header("x-oss-copy-source").is_empty() {
        return Err(Refusal::not_offered());
    }
    let forbid = match ask.header("x-oss-forbid-overwrite") {
        "true" => !struck.ignores_forbid_overwrite(),
        "false" | "" => false,
        _ => {
            let message = "x-oss-forbid-overwrite must be true or false.";
            return Err(Refusal::bad("InvalidArgument", "0017-00000279", message));
        }
    };
    let object = received(ask)?;
    let (etag, crc64) = (object.etag.clone(), object.crc64);
    let written = store.put(&ask.bucket, &ask.key, object, forbid, now)?;
    let mut reply = reply::ok();
    set(&mut reply, "etag", &format!("\"{etag}\""));
    set(&mut reply, "x-oss-hash-crc64ecma", &crc64.to_string());
    tell(&mut reply, &written);
    Ok(reply)
}

pub(super) fn append(
    store: &mut Store,
    ask: &Ask,
    struck: &Struck,
    now: SystemTime,
) -> Result<Reply, Refusal> {
    let Some(position) = ask.param("position") else {
        let message = "Missing parameter position.";
        return Err(Refusal::bad("MissingArgument", "0016-00000501", message));
    };
    let position = position.parse::<u64>().map_err(|_| {
        let message = "The parameter position is no number.";
        Refusal::bad("InvalidArgument", "0016-00000502", message)
    })?;
    let object = received(ask)?;
    let position = (!struck.ignores_position()).then_some(position);
    let appended = store.append(&ask.bucket, &ask.key, position, &object, now)?;
    let mut reply = reply::ok();
    let object = &appended.object;
    set(&mut reply, "etag", &format!("\"{}\"", object.etag));
    set(&mut reply, "x-oss-hash-crc64ecma", &object.crc64.to_string());
    set(&mut reply, "x-oss-next-append-position", &object.body.len().to_string());
    tell(&mut reply, &appended.written);
    Ok(reply)
}

pub(super) fn delete(store: &mut Store, ask: &Ask, now: SystemTime) -> Result<Reply, Refusal> {
    let written = store.delete(&ask.bucket, &ask.key, ask.param("versionId"), now)?;
    let mut reply = reply::with_status(StatusCode::NO_CONTENT);
    tell(&mut reply, &written);
    Ok(reply)
}

fn tell(reply: &mut Reply, written: &Written) {
    if let Some(version) = &written.version {
        set(reply, "x-oss-version-id", version);
    }
    if written.marker {
        set(reply, "x-oss-delete-marker", "true");
    }
}

/// What arrived, if the name can be one and the bytes are those that were sent.
fn received(ask: &Ask) -> Result<Object, Refusal> {
    if ask.key.len() > MAX_NAME || ask.key.starts_with(['/', '\\']) {
        let message = "The specified object is not valid.";
        return Err(Refusal::bad("InvalidObjectName", "0016-00000101", message));
    }
    check_md5(ask)?;
    let metadata = ask.headers.keys().map(http::HeaderName::as_str);
    let metadata = metadata.filter(|name| name.starts_with("x-oss-meta-"));
    Ok(Object {
        etag: format!("{:X}", md5::compute(&ask.body)),
        crc64: crc64::extend(0, &ask.body),
        body: ask.body.clone(),
        content_type: ask.header("content-type").to_owned(),
        metadata: metadata.map(|name| (name.to_owned(), ask.header(name).to_owned())).collect(),
        ..Object::default()
    })
}

/// Compares the body with `Content-MD5`, where one is sent.
pub(super) fn check_md5(ask: &Ask) -> Result<(), Refusal> {
    let sent = ask.header("content-md5");
    if sent.is_empty() || sent == BASE64.encode(md5::compute(&ask.body).0) {
        return Ok(());
    }
    let message = "The Content-MD5 you specified was invalid.";
    Err(Refusal::bad("InvalidDigest", "0016-00000201", message))
}
