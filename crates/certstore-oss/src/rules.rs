//! What is peculiar to objects of OSS: locks of certmagic-oss among the values.

use std::sync::atomic::{AtomicBool, Ordering};

use certstore_core::{Key, Result};
use certstore_objects::{Listed, ObjectNames, Rules};

use crate::declared;
use crate::names::{Names, PEER_LOCK};

/// The rules of one storage.
#[derive(Debug)]
pub(crate) struct OssRules {
    names: Names,
    warned_peer_lock: AtomicBool,
}

impl OssRules {
    pub(crate) fn new(names: Names) -> Self {
        Self { names, warned_peer_lock: AtomicBool::new(false) }
    }
}

impl Rules for OssRules {
    const MAX_JOURNAL: u64 = declared::MAX_JOURNAL;

    fn value(&self, _: &ObjectNames, key: &Key) -> Result<String> {
        self.names.value(key)
    }

    /// Locks that are shared with certmagic-oss.
    fn is_ours(&self, object: &str) -> bool {
        self.names.is_peer_lock(object)
    }

    /// An empty object like this is a lock of certmagic-oss, unless somebody stored nothing under such a name: it stays a
    /// value.
    fn is_foreign(&self, key: &Key, object: &Listed) -> bool {
        let looks_like = object.size == Some(0) && key.as_str().ends_with(PEER_LOCK);
        if looks_like && !self.warned_peer_lock.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %key,
                "this looks like a lock of certmagic-oss; share its locks with lock_mode certmagic-oss, or delete it once \
                 the programs that use that are stopped"
            );
        }
        false
    }
}
