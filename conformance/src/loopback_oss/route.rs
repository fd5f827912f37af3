//! Which operation a request is, and doing it.

use std::time::SystemTime;

use http::Method;

use super::call::Struck;
use super::reply::{Refusal, Reply};
use super::request::Ask;
use super::store::Store;
use super::{Op, batch, buckets, lists, objects, reads};

/// The operation; where there is none, [`Op::Other`].
pub(super) fn op_of(ask: &Ask) -> Op {
    let on_object = !ask.key.is_empty();
    match (&ask.method, on_object) {
        _ if ask.bucket.is_empty() => Op::Other,
        (&Method::PUT, true) => Op::PutObject,
        (&Method::POST, true) if ask.has("append") => Op::AppendObject,
        (&Method::GET, true) => Op::GetObject,
        (&Method::HEAD, true) if ask.has("objectMeta") => Op::GetObjectMeta,
        (&Method::HEAD, true) => Op::HeadObject,
        (&Method::DELETE, true) => Op::DeleteObject,
        (&Method::POST, false) if ask.has("delete") => Op::DeleteMultipleObjects,
        (&Method::GET, false) if ask.has("versioning") => Op::GetBucketVersioning,
        (&Method::PUT, false) if ask.has("versioning") => Op::PutBucketVersioning,
        (&Method::GET, false) if ask.param("list-type") == Some("2") => Op::ListObjectsV2,
        (&Method::GET, false) if lists_v1(ask) => Op::ListObjects,
        _ => Op::Other,
    }
}

/// Whether nothing but a list is asked for.
fn lists_v1(ask: &Ask) -> bool {
    let known = ["prefix", "delimiter", "marker", "max-keys", "encoding-type"];
    ask.query.iter().all(|(name, _)| known.contains(&name.as_str()))
}

/// The key of an operation in the log and for faults; of a list its prefix.
pub(super) fn key_of(ask: &Ask) -> &str {
    if ask.key.is_empty() { ask.param("prefix").unwrap_or_default() } else { &ask.key }
}

pub(super) fn perform(
    store: &mut Store,
    op: Op,
    ask: &Ask,
    struck: &Struck,
    now: SystemTime,
) -> Result<Reply, Refusal> {
    match op {
        Op::PutObject => objects::put(store, ask, struck, now),
        Op::AppendObject => objects::append(store, ask, struck, now),
        Op::GetObject => reads::get(store, ask, true),
        Op::HeadObject => reads::get(store, ask, false),
        Op::GetObjectMeta => reads::meta(store, ask),
        Op::DeleteObject => objects::delete(store, ask, now),
        Op::DeleteMultipleObjects => batch::delete(store, ask, now),
        Op::ListObjectsV2 => lists::v2(store, ask),
        Op::ListObjects => lists::v1(store, ask),
        Op::GetBucketVersioning => buckets::get_versioning(store, ask),
        Op::PutBucketVersioning => buckets::put_versioning(store, ask),
        Op::Other => Err(Refusal::not_offered()),
    }
}
