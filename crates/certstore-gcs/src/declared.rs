//! What the storage declares, and what follows for every value.

use std::time::Duration;

use certstore_core::{
    Batch, Capabilities, Cas, Durability, Fence, Listing, Result, Shared, Tree, VersionKind,
};

/// The largest value in bytes: 16 MiB, which go in one request. The service takes 5 TiB, but values are held in memory,
/// and none of this crate's purpose comes near.
pub(crate) const MAX_VALUE: u64 = 16 << 20;

/// The longest journal in bytes: all values of a bundle are in it.
pub(crate) const MAX_JOURNAL: u64 = 4 * MAX_VALUE;

pub(crate) fn capabilities(lease: Duration) -> Capabilities {
    let mut declared = Capabilities::minimal();
    declared.cas = Cas::Full;
    declared.version = VersionKind::Counter;
    declared.fence = Fence::PerKey;
    declared.list = Listing::Immediate;
    declared.durability = Durability::Acknowledged;
    declared.shared = Shared::Network;
    declared.batch = Batch::Journalled;
    declared.tree = Tree::Overlapping;
    declared.lease = Some(lease);
    declared.watch = false;
    declared.max_value = Some(MAX_VALUE);
    declared
}

pub(crate) fn check_size(value: &[u8]) -> Result<()> {
    certstore_objects::check_size(value, MAX_VALUE)
}
