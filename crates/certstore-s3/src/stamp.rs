//! Stamps: what makes every write unlike any other, and says under which lock it was made.
//!
//! An ETag covers the body only, so equal bodies would make an old ETag valid again, whatever the metadata say. A
//! stamped object's body is the value, `certstore-stamp1` and a nonce of 16 bytes; its metadata say that it is stamped.
//! A plain value that happens to end so has metadata that say that it is not.

use std::collections::HashMap;

use bytes::Bytes;
use certstore_core::{Error, ErrorKind, Result};
use certstore_objects::FenceStamp;

use crate::bucket::{Head, Object};
use crate::error::BACKEND;

const MAGIC: &[u8; 16] = b"certstore-stamp1";

/// How much longer a stamped object is than its value, in bytes.
pub(crate) const TRAILER: usize = 32;

/// The metadata entry of every stamped object, and of plain ones that look so.
const STAMPED: &str = "certstore-stamp";

/// What it says of a plain value.
const PLAIN: &str = "0";

/// Body and metadata of a stamped object.
pub(crate) fn stamped(
    value: &[u8],
    nonce: u128,
    fence: Option<&FenceStamp>,
) -> (Bytes, HashMap<String, String>) {
    let mut body = Vec::with_capacity(value.len() + TRAILER);
    body.extend_from_slice(value);
    body.extend_from_slice(MAGIC);
    body.extend_from_slice(&nonce.to_be_bytes());
    let mut metadata = HashMap::from([(STAMPED.to_owned(), "1".to_owned())]);
    metadata.extend(fence.map(FenceStamp::entry));
    (body.into(), metadata)
}

/// The metadata of a plain value: mostly none.
pub(crate) fn plain(value: &[u8]) -> Option<HashMap<String, String>> {
    unstamped(value).map(|_| HashMap::from([(STAMPED.to_owned(), PLAIN.to_owned())]))
}

pub(crate) fn is_stamped(head: &Head) -> bool {
    head.metadata.get(STAMPED).is_some_and(|stamped| stamped != PLAIN)
}

/// The length of the value in a body that ends in a stamp.
fn unstamped(body: &[u8]) -> Option<usize> {
    let end = body.len().checked_sub(TRAILER)?;
    body[end..].starts_with(MAGIC).then_some(end)
}

/// The value in an object, stamped or not.
pub(crate) fn value(mut object: Object) -> Result<Bytes> {
    match (is_stamped(&object.head), unstamped(&object.body)) {
        (true, Some(end)) => Ok(object.body.split_to(end)),
        (true, None) => {
            Err(corrupt("the object says that it is stamped, but its stamp is missing"))
        }
        (false, Some(_)) if !object.head.metadata.contains_key(STAMPED) => Err(corrupt(
            "the object is stamped but was copied without its metadata; copy it again with them (certstore-stamp: 1)",
        )),
        (false, _) => Ok(object.body),
    }
}

/// The size of the value in an object.
pub(crate) fn value_size(head: &Head) -> u64 {
    if is_stamped(head) { head.size.saturating_sub(TRAILER as u64) } else { head.size }
}

fn corrupt(message: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, message).with_backend(BACKEND)
}

/// The size of the value in an object of which only the size is known: what is shorter than a stamp has none.
pub(crate) fn certain_size(size: u64) -> Option<u64> {
    (size < TRAILER as u64).then_some(size)
}

#[cfg(test)]
#[path = "stamp_tests.rs"]
mod tests;
