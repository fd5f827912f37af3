//! An object as JSON and gRPC describe it.

use std::time::{SystemTime, UNIX_EPOCH};

use googleapis_tonic_google_storage_v2::google::storage::v2;
use serde_json::{Map, Value, json};

use super::object::Object;

/// The resource of the JSON API: <https://cloud.google.com/storage/docs/json_api/v1/objects#resource>.
pub(super) fn to_json(object: &Object, endpoint: &str) -> Value {
    let Object { bucket, name, generation, .. } = object;
    let path = encode(name);
    let link = format!("{endpoint}/storage/v1/b/{bucket}/o/{path}");
    let media = format!(
        "{endpoint}/download/storage/v1/b/{bucket}/o/{path}?generation={generation}&alt=media"
    );
    let mut resource = json!({
        "kind": "storage#object",
        "id": format!("{bucket}/{name}/{generation}"),
        "selfLink": link,
        "mediaLink": media,
        "name": name,
        "bucket": bucket,
        "generation": generation.to_string(),
        "metageneration": object.metageneration.to_string(),
        "storageClass": "STANDARD",
        "size": object.body.len().to_string(),
        "md5Hash": object.digests.md5_text(),
        "crc32c": object.digests.crc32c_text(),
        "etag": object.etag(),
        "timeCreated": rfc3339(object.created),
        "updated": rfc3339(object.updated),
        "timeStorageClassUpdated": rfc3339(object.created),
        "timeFinalized": rfc3339(object.created),
    });
    if let Some(fields) = resource.as_object_mut() {
        for (name, value) in &object.fields.fixed {
            fields.insert((*name).to_owned(), value.as_str().into());
        }
        if !object.fields.custom.is_empty() {
            let entries = object.fields.custom.iter();
            let entries: Map<String, Value> =
                entries.map(|(name, value)| (name.clone(), value.as_str().into())).collect();
            fields.insert("metadata".to_owned(), entries.into());
        }
    }
    resource
}

/// The message of the gRPC API, with the fields of the mask; all of them without one.
pub(super) fn to_message(object: &Object, mask: Option<&prost_types::FieldMask>) -> v2::Object {
    let asked = |field: &str| {
        mask.is_none_or(|mask| mask.paths.iter().any(|path| path == "*" || path == field))
    };
    let fixed = |field: &str, name: &str| match object.fields.fixed(name) {
        Some(text) if asked(field) => text.to_owned(),
        _ => String::new(),
    };
    let time = |field: &str, time: SystemTime| asked(field).then(|| timestamp(time));
    let text = |field: &str, text: &str| if asked(field) { text.to_owned() } else { String::new() };
    let number = |field: &str, number: i64| if asked(field) { number } else { 0 };
    v2::Object {
        name: text("name", &object.name),
        bucket: text("bucket", &format!("projects/_/buckets/{}", object.bucket)),
        etag: text("etag", &object.etag()),
        generation: number("generation", object.generation),
        metageneration: number("metageneration", object.metageneration),
        storage_class: text("storage_class", "STANDARD"),
        size: number("size", i64::try_from(object.body.len()).unwrap_or(i64::MAX)),
        content_encoding: fixed("content_encoding", "contentEncoding"),
        content_disposition: fixed("content_disposition", "contentDisposition"),
        cache_control: fixed("cache_control", "cacheControl"),
        content_language: fixed("content_language", "contentLanguage"),
        content_type: fixed("content_type", "contentType"),
        create_time: time("create_time", object.created),
        finalize_time: time("finalize_time", object.created),
        update_time: time("update_time", object.updated),
        checksums: asked("checksums").then(|| v2::ObjectChecksums {
            crc32c: Some(object.digests.crc32c),
            md5_hash: object.digests.md5.to_vec(),
        }),
        metadata: if asked("metadata") {
            object.fields.custom.clone().into_iter().collect()
        } else {
            Default::default()
        },
        ..Default::default()
    }
}

fn timestamp(time: SystemTime) -> prost_types::Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let nanos = i32::try_from(since.subsec_nanos()).unwrap_or_default();
    prost_types::Timestamp { seconds: i64::try_from(since.as_secs()).unwrap_or_default(), nanos }
}

/// A time like `2026-01-31T23:59:59.123Z`.
fn rfc3339(time: SystemTime) -> String {
    let time = time::OffsetDateTime::from(time);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond()
    )
}

/// A name as one part of a path.
fn encode(name: &str) -> String {
    let mut path = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}
