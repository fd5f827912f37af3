//! What the storage declares, and what follows for every value.

use bytes::Bytes;
use certstore_core::{
    Batch, Capabilities, Cas, Durability, Error, ErrorKind, Fence, Listing, Result, Shared, Tree,
    VersionKind,
};

use crate::config::SecretsManagerConfig;
use crate::error::BACKEND;
use crate::recent::LIST_DELAY;
use crate::secrets::{Body, Found};
use crate::versions::{self, FenceStamp, Kind};

/// The largest value in bytes.
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html>
pub(crate) const MAX_VALUE: u64 = 65_536;

/// What stands in place of a value without bytes, which the service cannot keep. The version's id says what it is; the
/// words are for people.
const EMPTY: &str = "certstore: an empty value";

/// What stands in place of a deleted value.
const TOMBSTONE: &str = "certstore: deleted";

pub(crate) fn capabilities(config: &SecretsManagerConfig) -> Capabilities {
    let mut declared = Capabilities::minimal();
    declared.cas = Cas::Full;
    declared.version = VersionKind::Counter;
    declared.fence = Fence::PerKey;
    declared.list = Listing::Delayed(LIST_DELAY);
    declared.durability = Durability::Acknowledged;
    declared.shared = Shared::Network;
    declared.batch = Batch::Journalled;
    declared.tree = Tree::Overlapping;
    declared.lease = Some(config.lease);
    declared.watch = false;
    declared.max_value = Some(MAX_VALUE);
    declared
}

pub(crate) fn check_size(value: &[u8]) -> Result<()> {
    if value.len() as u64 <= MAX_VALUE {
        return Ok(());
    }
    let message = format!("a value has at most {MAX_VALUE} bytes, this one has {}", value.len());
    Err(Error::new(ErrorKind::TooLarge, message).with_backend(BACKEND))
}

pub(crate) fn check_journal(journal: &[u8]) -> Result<()> {
    if journal.len() as u64 <= MAX_VALUE {
        return Ok(());
    }
    let message = format!(
        "the values of a bundle have at most {MAX_VALUE} bytes in all with their names, these have {}",
        journal.len()
    );
    Err(Error::new(ErrorKind::TooLarge, message).with_backend(BACKEND))
}

/// Id and content of a new version of a value.
pub(crate) fn version_of(value: &[u8], stamp: Option<&FenceStamp>) -> (String, Body) {
    if value.is_empty() {
        return (versions::fresh(Kind::Empty, stamp), Body::Text(EMPTY.to_owned()));
    }
    (versions::fresh(Kind::Value, stamp), Body::Binary(Bytes::copy_from_slice(value)))
}

/// Id and content of the version that says that the value is deleted.
pub(crate) fn tombstone() -> (String, Body) {
    (versions::fresh(Kind::Tombstone, None), Body::Text(TOMBSTONE.to_owned()))
}

/// The value in a version.
pub(crate) fn value(found: Found) -> Bytes {
    match (versions::kind(&found.id), found.body) {
        (Kind::Empty, _) => Bytes::new(),
        (_, Body::Binary(bytes)) => bytes,
        (_, Body::Text(text)) => text.into(),
    }
}
