//! PutObject, CopyObject, DeleteObject and DeleteObjects.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, DeleteObjectInput,
    DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETag,
    ETagCondition, Error, Metadata, MetadataDirective, ObjectIdentifier, PutObjectInput,
    PutObjectOutput, StreamingBlob,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::MAX_OBJECT;
use super::backend::{Backend, call_of};
use super::call::Call;
use super::checksum;
use super::reads::{changed, unchanged};
use super::store::{Conditions, Object, Tag, Version};

/// The names and values of the metadata together, as S3 limits them.
const MAX_METADATA: usize = 2048;
/// The keys of one DeleteObjects.
const MAX_DELETES: usize = 1000;

impl Backend {
    pub(super) async fn put(
        &self,
        mut req: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let call = call_of(&req)?;
        let conditions = conditions(req.input.if_match.as_ref(), req.input.if_none_match.as_ref())?;
        let body = whole(req.input.body.take()).await?;
        if body.len() > MAX_OBJECT {
            return Err(s3_error!(
                EntityTooLarge,
                "Your proposed upload exceeds the maximum allowed size"
            ));
        }
        check_metadata(req.input.metadata.as_ref())?;
        checksum::check_md5(req.input.content_md5.as_deref(), &body)?;
        let checksum = checksum::check(&req, &body)?;
        let input = req.input;
        let object = Object {
            etag: checksum::etag(&body),
            body,
            checksum: checksum.clone(),
            metadata: input.metadata.unwrap_or_default(),
            content_type: input.content_type,
            content_encoding: input.content_encoding.filter(|encoding| encoding != "aws-chunked"),
            cache_control: input.cache_control,
        };
        let etag = object.etag.clone();
        let version_id = self.write(&call, (&input.bucket, &input.key), object, conditions).await?;
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(ETag::Strong(etag)),
            version_id,
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc32c: checksum.checksum_crc32c,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_sha1: checksum.checksum_sha1,
            checksum_sha256: checksum.checksum_sha256,
            ..Default::default()
        }))
    }

    /// Judges and writes in one step, unless a fault says otherwise.
    async fn write(
        &self,
        call: &Call,
        (bucket, key): (&str, &str),
        object: Object,
        conditions: Conditions,
    ) -> S3Result<Option<String>> {
        let none = Conditions::default();
        if call.ignores_conditions() {
            return self.store().put(bucket, key, object, &none);
        }
        if let Some(time) = call.race() {
            self.store().judge_put(bucket, key, &conditions)?;
            tokio::time::sleep(time).await;
            return self.store().put(bucket, key, object, &none);
        }
        self.store().put(bucket, key, object, &conditions)
    }

    pub(super) async fn copy(
        &self,
        req: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let call = call_of(&req)?;
        let conditions = conditions(
            condition_header(&req, "if-match")?.as_ref(),
            condition_header(&req, "if-none-match")?.as_ref(),
        )?;
        let input = req.input;
        let (version, source) = self.source(&input)?;
        let replace = input
            .metadata_directive
            .as_ref()
            .is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
        check_metadata(input.metadata.as_ref())?;
        let object = Object {
            body: source.body.clone(),
            etag: source.etag.clone(),
            checksum: source.checksum.clone(),
            metadata: if replace {
                input.metadata.unwrap_or_default()
            } else {
                source.metadata.clone()
            },
            content_type: if replace { input.content_type } else { source.content_type.clone() },
            content_encoding: if replace {
                input.content_encoding
            } else {
                source.content_encoding.clone()
            },
            cache_control: if replace { input.cache_control } else { source.cache_control.clone() },
        };
        let version_id = self.write(&call, (&input.bucket, &input.key), object, conditions).await?;
        let modified = self.store().bucket(&input.bucket)?.version(&input.key, None)?.modified;
        let result = CopyObjectResult {
            e_tag: Some(ETag::Strong(source.etag.clone())),
            last_modified: Some(modified.into()),
            ..Default::default()
        };
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(result),
            copy_source_version_id: version_id.is_some().then_some(version.id),
            version_id,
            ..Default::default()
        }))
    }

    /// The object to copy, if it meets the conditions on the source.
    fn source(&self, input: &CopyObjectInput) -> S3Result<(Version, Arc<Object>)> {
        let CopySource::Bucket { bucket, key, version_id } = &input.copy_source else {
            return Err(s3_error!(NotImplemented, "only buckets are copied from"));
        };
        let replace = input.metadata_directive.as_ref().map(MetadataDirective::as_str);
        if **bucket == *input.bucket
            && **key == *input.key
            && replace != Some(MetadataDirective::REPLACE)
        {
            let text = "This copy request is illegal because it is trying to copy an object to itself without \
                        changing the object's metadata";
            return Err(s3_error!(InvalidRequest, "{}", text));
        }
        let store = self.store();
        let version = store.bucket(bucket)?.version(key, version_id.as_deref())?.clone();
        let Some(object) = version.object.clone() else {
            return Err(s3_error!(NoSuchKey, "The specified key does not exist."));
        };
        if changed(&object, input.copy_source_if_match.as_ref())
            || unchanged(&object, input.copy_source_if_none_match.as_ref())
        {
            let text = "At least one of the pre-conditions you specified did not hold";
            return Err(s3_error!(PreconditionFailed, "{}", text));
        }
        Ok((version, object))
    }

    pub(super) async fn delete_one(
        &self,
        req: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let call = call_of(&req)?;
        let input = req.input;
        if input.if_match_last_modified_time.is_some() || input.if_match_size.is_some() {
            return Err(s3_error!(NotImplemented, "only directory buckets have these conditions"));
        }
        let mut conditions = conditions(input.if_match.as_ref(), None)?;
        if call.ignores_conditions() {
            conditions = Conditions::default();
        }
        let version = input.version_id.as_deref();
        let deleted = self.store().delete(&input.bucket, &input.key, version, &conditions)?;
        Ok(S3Response::new(DeleteObjectOutput {
            delete_marker: deleted.marker.then_some(true),
            version_id: deleted.version,
            ..Default::default()
        }))
    }

    pub(super) fn delete_many(
        &self,
        req: &S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let ignored = call_of(req)?.ignores_conditions();
        let (bucket, objects) = (&req.input.bucket, &req.input.delete.objects);
        if objects.is_empty() || objects.len() > MAX_DELETES {
            return Err(s3_error!(MalformedXML, "a request deletes 1 to 1000 keys"));
        }
        self.store().bucket(bucket)?;
        let (mut gone, mut errors) = (Vec::new(), Vec::new());
        for object in objects {
            match self.delete_of_many(bucket, object, ignored) {
                Ok(deleted) => gone.push(deleted),
                Err(error) => errors.push(Error {
                    code: Some(error.code().as_str().to_owned()),
                    key: Some(object.key.clone()),
                    message: error.message().map(str::to_owned),
                    version_id: object.version_id.clone(),
                }),
            }
        }
        let quiet = req.input.delete.quiet == Some(true);
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: Some(gone).filter(|_| !quiet),
            errors: Some(errors).filter(|errors| !errors.is_empty()),
            ..Default::default()
        }))
    }

    fn delete_of_many(
        &self,
        bucket: &str,
        object: &ObjectIdentifier,
        ignored: bool,
    ) -> S3Result<DeletedObject> {
        let tag = object.e_tag.clone().filter(|_| !ignored).map(ETagCondition::ETag);
        let conditions = conditions(tag.as_ref(), None)?;
        let version = object.version_id.as_deref();
        let deleted = self.store().delete(bucket, &object.key, version, &conditions)?;
        Ok(DeletedObject {
            key: Some(object.key.clone()),
            version_id: object.version_id.clone(),
            delete_marker: deleted.marker.then_some(true),
            delete_marker_version_id: deleted.version.filter(|_| deleted.marker),
        })
    }
}

/// Reads a body to its end, in which the signatures of its chunks are checked.
async fn whole(body: Option<StreamingBlob>) -> S3Result<Bytes> {
    let mut whole = Vec::new();
    if let Some(mut body) = body {
        while let Some(chunk) = body.next().await {
            let incomplete =
                |_| s3_error!(IncompleteBody, "The body is not as long as its headers say");
            whole.extend_from_slice(&chunk.map_err(incomplete)?);
        }
    }
    Ok(whole.into())
}

fn check_metadata(metadata: Option<&Metadata>) -> S3Result<()> {
    let sizes = metadata.into_iter().flatten().map(|(name, value)| name.len() + value.len());
    if sizes.sum::<usize>() > MAX_METADATA {
        let text = "Your metadata headers exceed the maximum allowed metadata size";
        return Err(s3_error!(MetadataTooLarge, "{}", text));
    }
    Ok(())
}

/// A write takes any ETag in `If-Match`, and in `If-None-Match` nothing but `*`.
fn conditions(
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<Conditions> {
    if if_none_match.is_some_and(|condition| !condition.is_any()) {
        let text = "A header you provided implies functionality that is not implemented";
        return Err(s3_error!(NotImplemented, "{}", text));
    }
    let if_match = if_match.map(|condition| match condition {
        ETagCondition::Any => Tag::Any,
        ETagCondition::ETag(etag) => Tag::Is(etag.value().to_owned()),
    });
    Ok(Conditions { if_match, if_absent: if_none_match.is_some() })
}

/// Conditions on the target of a copy, which s3s has no field for.
fn condition_header<T>(req: &S3Request<T>, name: &str) -> S3Result<Option<ETagCondition>> {
    let Some(value) = req.headers.get(name) else {
        return Ok(None);
    };
    let invalid = |_| s3_error!(InvalidArgument, "the condition is neither an ETag nor *");
    ETagCondition::parse_http_header(value.as_bytes()).map(Some).map_err(invalid)
}
