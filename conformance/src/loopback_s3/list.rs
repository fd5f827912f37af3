//! Listing all versions.

use super::store::{Bucket, Version};

/// A version in the listing of all versions.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) key: String,
    pub(super) version: Version,
    pub(super) latest: bool,
}

/// All versions under `prefix`, by key, the newest first.
pub(super) fn versions(bucket: &Bucket, prefix: &str) -> Vec<Listed> {
    let under = bucket.keys.iter().filter(|(key, _)| key.starts_with(prefix));
    let each = under.flat_map(|(key, versions)| {
        versions.iter().rev().enumerate().map(|(age, version)| Listed {
            key: key.clone(),
            version: version.clone(),
            latest: age == 0,
        })
    });
    each.collect()
}
