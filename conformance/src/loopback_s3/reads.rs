//! GetObject and HeadObject.

use std::ops;
use std::sync::Arc;

use hyper::header::{HeaderName, HeaderValue};
use s3s::dto::{
    ChecksumMode, ETag, ETagCondition, GetObjectInput, GetObjectOutput, HeadObjectInput,
    HeadObjectOutput, Range, StreamingBlob, Timestamp, TimestampFormat,
};
use s3s::{Body, S3Error, S3Response, S3Result, s3_error};

use super::backend::Backend;
use super::store::{Object, Version, Versioning};

/// What GET and HEAD ask alike.
struct Ask<'r> {
    bucket: &'r str,
    key: &'r str,
    version: Option<&'r str>,
    if_match: Option<&'r ETagCondition>,
    if_none_match: Option<&'r ETagCondition>,
    if_modified_since: Option<&'r Timestamp>,
    if_unmodified_since: Option<&'r Timestamp>,
    range: Option<&'r Range>,
}

/// What GET and HEAD answer alike.
struct Found {
    version: Version,
    object: Arc<Object>,
    /// Told only where the bucket keeps versions.
    version_id: Option<String>,
    bytes: ops::Range<usize>,
    partial: Option<String>,
}

/// Fills what the outputs of GET and HEAD, two types, have alike.
macro_rules! describe {
    ($output:ident, $found:ident, $mode:expr) => {
        let object = &$found.object;
        $output.content_length = i64::try_from($found.bytes.len()).ok();
        if checksum_asked($mode.as_ref()) && $found.partial.is_none() {
            $output.checksum_crc32.clone_from(&object.checksum.checksum_crc32);
            $output.checksum_crc32c.clone_from(&object.checksum.checksum_crc32c);
            $output.checksum_crc64nvme.clone_from(&object.checksum.checksum_crc64nvme);
            $output.checksum_sha1.clone_from(&object.checksum.checksum_sha1);
            $output.checksum_sha256.clone_from(&object.checksum.checksum_sha256);
        }
        $output.content_range = $found.partial;
        $output.accept_ranges = Some("bytes".to_owned());
        $output.content_type = Some(content_type(object));
        $output.content_encoding.clone_from(&object.content_encoding);
        $output.cache_control.clone_from(&object.cache_control);
        $output.metadata = Some(object.metadata.clone());
    };
}

impl Backend {
    pub(super) fn get(&self, input: &GetObjectInput) -> S3Result<S3Response<GetObjectOutput>> {
        let found = self.find(&Ask {
            bucket: &input.bucket,
            key: &input.key,
            version: input.version_id.as_deref(),
            if_match: input.if_match.as_ref(),
            if_none_match: input.if_none_match.as_ref(),
            if_modified_since: input.if_modified_since.as_ref(),
            if_unmodified_since: input.if_unmodified_since.as_ref(),
            range: input.range.as_ref(),
        })?;
        let mut output = GetObjectOutput {
            e_tag: Some(ETag::Strong(found.object.etag.clone())),
            last_modified: Some(found.version.modified.into()),
            version_id: found.version_id,
            ..Default::default()
        };
        describe!(output, found, input.checksum_mode);
        output.body = Some(StreamingBlob::from(Body::from(found.object.body.slice(found.bytes))));
        Ok(S3Response::new(output))
    }

    pub(super) fn head(&self, input: &HeadObjectInput) -> S3Result<S3Response<HeadObjectOutput>> {
        let found = self.find(&Ask {
            bucket: &input.bucket,
            key: &input.key,
            version: input.version_id.as_deref(),
            if_match: input.if_match.as_ref(),
            if_none_match: input.if_none_match.as_ref(),
            if_modified_since: input.if_modified_since.as_ref(),
            if_unmodified_since: input.if_unmodified_since.as_ref(),
            range: input.range.as_ref(),
        })?;
        let mut output = HeadObjectOutput {
            e_tag: Some(ETag::Strong(found.object.etag.clone())),
            last_modified: Some(found.version.modified.into()),
            version_id: found.version_id,
            ..Default::default()
        };
        describe!(output, found, input.checksum_mode);
        Ok(S3Response::new(output))
    }

    fn find(&self, ask: &Ask<'_>) -> S3Result<Found> {
        let store = self.store();
        let bucket = store.bucket(ask.bucket)?;
        let version = bucket.version(ask.key, ask.version)?.clone();
        let versioned = bucket.versioning != Versioning::Off;
        drop(store);
        let Some(object) = version.object.clone() else {
            return Err(is_a_marker(&version, ask.version.is_some()));
        };
        judge(ask, &version, &object)?;
        let whole = 0..object.body.len();
        let (bytes, partial) = match ask.range {
            None => (whole, None),
            Some(range) => {
                let (bytes, text) = part(range, object.body.len())?;
                (bytes, Some(text))
            }
        };
        let version_id = versioned.then(|| version.id.clone());
        Ok(Found { version, object, version_id, bytes, partial })
    }
}

/// 412 where a condition fails, 304 where the client has the version already. ETags go before dates, as RFC 9110 says.
fn judge(ask: &Ask<'_>, version: &Version, object: &Object) -> S3Result<()> {
    let modified = Timestamp::from(version.modified);
    let later = |than: &Timestamp| modified > *than;
    let too_late = ask.if_match.is_none() && ask.if_unmodified_since.is_some_and(later);
    if changed(object, ask.if_match) || too_late {
        return Err(s3_error!(
            PreconditionFailed,
            "At least one of the pre-conditions you specified did not hold"
        ));
    }
    let not_since =
        ask.if_none_match.is_none() && ask.if_modified_since.is_some_and(|since| !later(since));
    if unchanged(object, ask.if_none_match) || not_since {
        let etag = ("etag", format!("\"{}\"", object.etag));
        let mut modified_at = Vec::new();
        let _ = modified.format(TimestampFormat::HttpDate, &mut modified_at);
        let modified = ("last-modified", String::from_utf8_lossy(&modified_at).into_owned());
        return Err(with_headers(s3_error!(NotModified), [etag, modified]));
    }
    Ok(())
}

/// Whether `If-Match` fails.
pub(super) fn changed(object: &Object, if_match: Option<&ETagCondition>) -> bool {
    if_match.is_some_and(|condition| match condition {
        ETagCondition::Any => false,
        ETagCondition::ETag(etag) => etag.value() != object.etag,
    })
}

/// Whether `If-None-Match` fails.
pub(super) fn unchanged(object: &Object, if_none_match: Option<&ETagCondition>) -> bool {
    if_none_match.is_some_and(|condition| match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(etag) => etag.value() == object.etag,
    })
}

fn part(range: &Range, length: usize) -> S3Result<(ops::Range<usize>, String)> {
    let invalid = |_| s3_error!(InvalidRange, "The requested range is not satisfiable");
    let range = range.check(length as u64).map_err(invalid)?;
    let text = format!("bytes {}-{}/{length}", range.start, range.end.saturating_sub(1));
    let index = |at: u64| usize::try_from(at).unwrap_or(length);
    Ok((index(range.start)..index(range.end), text))
}

fn checksum_asked(mode: Option<&ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED)
}

fn content_type(object: &Object) -> String {
    object.content_type.clone().unwrap_or_else(|| "binary/octet-stream".to_owned())
}

/// 404 under a current delete marker, 405 where the marker itself was asked for.
fn is_a_marker(version: &Version, asked_for: bool) -> S3Error {
    let error = if asked_for {
        s3_error!(MethodNotAllowed, "The specified method is not allowed against this resource.")
    } else {
        s3_error!(NoSuchKey, "The specified key does not exist.")
    };
    let marker = ("x-amz-delete-marker", "true".to_owned());
    let headers = [("content-type", "application/xml".to_owned()), marker];
    with_headers(error, headers.into_iter().chain([("x-amz-version-id", version.id.clone())]))
}

/// The error with these headers in place of the usual ones.
fn with_headers(
    mut error: S3Error,
    headers: impl IntoIterator<Item = (&'static str, String)>,
) -> S3Error {
    let pairs = headers.into_iter().filter_map(|(name, value)| {
        Some((HeaderName::from_static(name), HeaderValue::try_from(value).ok()?))
    });
    error.set_headers(pairs.collect());
    error
}
