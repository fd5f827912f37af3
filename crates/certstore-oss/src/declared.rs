//! What the storage declares, and what follows for every value.

use certstore_core::{
    Batch, Capabilities, Cas, Durability, Fence, Listing, Result, Shared, Tree, VersionKind,
};

use crate::config::{LockMode, OssConfig};
use crate::peer::GRACE;
use crate::xml::Versioning;

/// The largest value in bytes: 64 MiB. One PUT takes 5 GiB, but values are held in memory, and none of this crate's
/// purpose comes near.
pub(crate) const MAX_VALUE: u64 = 64 << 20;

/// The longest journal in bytes: all values of a bundle are in it.
pub(crate) const MAX_JOURNAL: u64 = 4 * MAX_VALUE;

/// What OSS offers for a bucket that keeps versions, or never did.
pub(crate) fn capabilities(config: &OssConfig, versioning: Versioning) -> Capabilities {
    let mut declared = Capabilities::minimal();
    // "If versioning is enabled or suspended for the bucket, the x-oss-forbid-overwrite header does not take effect":
    // https://www.alibabacloud.com/help/en/oss/developer-reference/putobject
    declared.cas = match versioning {
        Versioning::Never => Cas::CreateOnly,
        Versioning::Kept => Cas::None,
    };
    declared.version = VersionKind::Content;
    declared.fence = Fence::None;
    declared.list = Listing::Immediate;
    declared.durability = Durability::Acknowledged;
    declared.shared = Shared::Network;
    declared.batch = Batch::Journalled;
    declared.tree = Tree::Overlapping;
    declared.lease = Some(match config.lock_mode {
        LockMode::Append => config.lease(),
        // A dead holder's lock is respected as long as another program's.
        LockMode::CertmagicOss => config.lock_expiration.saturating_add(GRACE),
    });
    declared.watch = false;
    declared.max_value = Some(MAX_VALUE);
    declared
}

pub(crate) fn check_size(value: &[u8]) -> Result<()> {
    certstore_objects::check_size(value, MAX_VALUE)
}
