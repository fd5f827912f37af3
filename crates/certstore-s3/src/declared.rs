//! What the storage declares, and what follows for every value.

use std::collections::HashMap;

use bytes::Bytes;
use certstore_core::{
    Batch, Capabilities, Cas, Durability, Fence, Listing, OsRandom, Random as _, Result, Shared,
    Tree, VersionKind,
};
use certstore_objects::FenceStamp;

use crate::config::S3Config;
use crate::probe::ProbeReport;
use crate::proof::Need;
use crate::stamp::{self, stamped};

/// The largest value in bytes: 64 MiB. One PUT takes 5 GiB, but values are held in memory, and none of this crate's
/// purpose comes near.
pub(crate) const MAX_VALUE: u64 = 64 << 20;

/// The longest journal in bytes: all values of a bundle are in it.
pub(crate) const MAX_JOURNAL: u64 = 4 * MAX_VALUE;

/// What S3 offers, less what the probe has found missing.
pub(crate) fn capabilities(config: &S3Config, found: Option<&ProbeReport>) -> Capabilities {
    let missing = |need| found.is_some_and(|found| found.fault(need).is_some());
    let read_only = config.secretbox_key.is_some();
    let cas = if read_only || missing(Need::Create) {
        Cas::None
    } else if missing(Need::Delete) {
        Cas::CreateOnly
    } else {
        Cas::Full
    };
    let mut declared = Capabilities::minimal();
    declared.cas = cas;
    declared.version = if config.stamped { VersionKind::Counter } else { VersionKind::Content };
    declared.fence = if config.stamped && cas == Cas::Full { Fence::PerKey } else { Fence::None };
    declared.list = Listing::Immediate;
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
    certstore_objects::check_size(value, MAX_VALUE)
}

/// The body of an object, and its metadata if it has any.
pub(crate) fn body(
    stamp: bool,
    value: &[u8],
    fence: Option<&FenceStamp>,
) -> (Bytes, Option<HashMap<String, String>>) {
    if !stamp {
        return (Bytes::copy_from_slice(value), stamp::plain(value));
    }
    let (body, metadata) = stamped(value, OsRandom.next_u128(), fence);
    (body, Some(metadata))
}
