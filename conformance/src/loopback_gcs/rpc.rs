//! The calls of gRPC: `google.storage.v2.Storage`.

use bytes::Bytes;
use googleapis_tonic_google_storage_v2::google::storage::v2;
use hyper::{HeaderMap, Response};

use super::Op;
use super::body::Frames;
use super::call::{Call, Shared};
use super::condition::Conditions;
use super::grpc::{message, reply};
use super::list::{Query, page};
use super::refusal::Refusal;
use super::resource::to_message;
use super::store::Target;
use crate::loopback::Cut;

type Reply = Result<Response<Frames>, Cut>;

pub(super) async fn answer(shared: &Shared, path: &str, headers: &HeaderMap, body: Bytes) -> Reply {
    match path.strip_prefix("/google.storage.v2.Storage/") {
        Some("GetObject") => get_object(shared, headers, &body).await,
        Some("ListObjects") => list_objects(shared, headers, &body).await,
        Some("DeleteObject") => delete_object(shared, headers, &body).await,
        _ => {
            let call = Call {
                op: Op::Other,
                bucket: String::new(),
                key: String::new(),
                conditional: false,
            };
            let refused = |_: &mut _, _| -> Result<v2::Object, Refusal> {
                Err(Refusal::new(501, "notImplemented", "this call is not served here"))
            };
            Ok(reply(shared.run(call, headers, refused).await?.result))
        }
    }
}

/// A bucket's name without what stands before it.
fn bucket(name: &str) -> Result<String, Refusal> {
    let id = name.strip_prefix("projects/_/buckets/").filter(|id| !id.is_empty());
    id.map(str::to_owned)
        .ok_or_else(|| Refusal::invalid(format!("Invalid argument: the bucket name {name:?}")))
}

fn generation(generation: i64) -> Option<i64> {
    (generation != 0).then_some(generation)
}

async fn get_object(shared: &Shared, headers: &HeaderMap, body: &Bytes) -> Reply {
    let read = message::<v2::GetObjectRequest>(body)
        .and_then(|request| bucket(&request.bucket).map(|bucket| (request, bucket)));
    let (request, bucket) = match read {
        Ok(read) => read,
        Err(refusal) => return Ok(reply::<v2::Object>(Err(refusal))),
    };
    let conditions = Conditions {
        generation: request.if_generation_match,
        generation_not: request.if_generation_not_match,
        metageneration: request.if_metageneration_match,
        metageneration_not: request.if_metageneration_not_match,
    };
    let call = Call {
        op: Op::GetObject,
        bucket: bucket.clone(),
        key: request.object.clone(),
        conditional: conditions.any(),
    };
    let outcome = shared.run(call, headers, |store, _| {
        let object = store.object(&bucket, &request.object, generation(request.generation))?;
        conditions.judge_read(&object)?;
        Ok(to_message(&object, request.read_mask.as_ref()))
    });
    Ok(reply(outcome.await?.result))
}

async fn list_objects(shared: &Shared, headers: &HeaderMap, body: &Bytes) -> Reply {
    let read = message::<v2::ListObjectsRequest>(body)
        .and_then(|request| bucket(&request.parent).map(|bucket| (request, bucket)));
    let (request, bucket) = match read {
        Ok(read) => read,
        Err(refusal) => return Ok(reply::<v2::ListObjectsResponse>(Err(refusal))),
    };
    let call = Call {
        op: Op::ListObjects,
        bucket: bucket.clone(),
        key: request.prefix.clone(),
        conditional: false,
    };
    let outcome = shared.run(call, headers, |store, _| {
        if request.versions || request.soft_deleted || !request.match_glob.is_empty() {
            return Err(Refusal::invalid(
                "versions, soft_deleted and match_glob are not served here",
            ));
        }
        let query = Query {
            prefix: request.prefix,
            delimiter: request.delimiter,
            trailing: request.include_trailing_delimiter,
            start: request.lexicographic_start,
            end: request.lexicographic_end,
            token: request.page_token,
            size: usize::try_from(request.page_size)
                .map_err(|_| Refusal::invalid("page_size is negative"))?,
        };
        let page = page(&store.bucket(&bucket)?.objects, &query)?;
        // The mask is of the objects: https://cloud.google.com/storage/docs/reference/rpc
        let mask = request.read_mask.as_ref();
        Ok(v2::ListObjectsResponse {
            objects: page.objects.iter().map(|object| to_message(object, mask)).collect(),
            prefixes: page.prefixes,
            next_page_token: page.next.unwrap_or_default(),
        })
    });
    Ok(reply(outcome.await?.result))
}

async fn delete_object(shared: &Shared, headers: &HeaderMap, body: &Bytes) -> Reply {
    let read = message::<v2::DeleteObjectRequest>(body)
        .and_then(|request| bucket(&request.bucket).map(|bucket| (request, bucket)));
    let (request, bucket) = match read {
        Ok(read) => read,
        Err(refusal) => return Ok(reply::<()>(Err(refusal))),
    };
    let token = headers.get(super::json::IDEMPOTENCY).and_then(|token| token.to_str().ok());
    let target = Target {
        bucket,
        name: request.object,
        conditions: Conditions {
            generation: request.if_generation_match,
            generation_not: request.if_generation_not_match,
            metageneration: request.if_metageneration_match,
            metageneration_not: request.if_metageneration_not_match,
        },
        idempotency: token.map(str::to_owned),
    };
    let call = Call {
        op: Op::DeleteObject,
        bucket: target.bucket.clone(),
        key: target.name.clone(),
        conditional: target.conditions.any(),
    };
    let outcome = shared.run(call, headers, |store, ignored| {
        store.delete(&target.obeying(ignored), generation(request.generation))
    });
    Ok(reply(outcome.await?.result))
}
