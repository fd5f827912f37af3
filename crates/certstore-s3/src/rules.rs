//! What is peculiar to objects of S3: locks of certmagic-s3 among the values, stamps, seals.

use std::sync::atomic::{AtomicBool, Ordering};

use certstore_core::Key;
use certstore_objects::{Listed, Rules};

use crate::{declared, secretbox, stamp};

/// The sizes of the bodies of certmagic-s3's lock objects: a time like `2026-01-02T03:04:05Z` or with an offset.
const GO_LOCK_SIZES: std::ops::RangeInclusive<u64> = 20..=25;

/// The rules of one storage.
#[derive(Debug)]
pub(crate) struct S3Rules {
    /// Whether the values are sealed.
    sealed: bool,
    warned_go_lock: AtomicBool,
}

impl S3Rules {
    pub(crate) fn new(sealed: bool) -> Self {
        Self { sealed, warned_go_lock: AtomicBool::new(false) }
    }
}

impl Rules for S3Rules {
    const MAX_JOURNAL: u64 = declared::MAX_JOURNAL;

    /// Whether an object is a lock of certmagic-s3, which lie among the values. With its key at hand there is no doubt:
    /// a sealed value is longer. Without, it could be a value, and stays one.
    fn is_foreign(&self, key: &Key, object: &Listed) -> bool {
        let looks_like = key.parent().is_root()
            && key.as_str().ends_with(".lock")
            && object.size.is_some_and(|size| GO_LOCK_SIZES.contains(&size));
        if looks_like && !self.warned_go_lock.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %key,
                "this looks like a lock of certmagic-s3; delete it once the programs that use that are stopped"
            );
        }
        const { assert!(*GO_LOCK_SIZES.end() < secretbox::OVERHEAD) };
        looks_like && self.sealed
    }

    /// Whether a value is stamped, and so how long it is without the stamp, a list does not tell: others may stamp where
    /// this client does not.
    fn size(&self, object: &Listed) -> Option<u64> {
        object.size.filter(|_| !self.sealed).and_then(stamp::certain_size)
    }
}
