//! Which keys were seen to have a value.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use certstore_core::Key;

/// How many keys are remembered before the memory begins anew: 8 bytes each.
const MOST: usize = 16_384;

/// Keys that had a value when this process last stored or loaded them: a guess at which the next store finds one.
///
/// A wrong guess costs a round trip, no more. Two keys of one digest are such a wrong guess.
#[derive(Debug, Default)]
pub(super) struct Known {
    state: RandomState,
    digests: Mutex<HashSet<u64>>,
}

impl Known {
    pub(super) fn add(&self, key: &Key) {
        let digest = self.digest(key);
        let mut digests = self.digests();
        if digests.len() >= MOST {
            digests.clear();
        }
        digests.insert(digest);
    }

    pub(super) fn has(&self, key: &Key) -> bool {
        self.digests().contains(&self.digest(key))
    }

    pub(super) fn remove(&self, key: &Key) {
        self.digests().remove(&self.digest(key));
    }

    fn digest(&self, key: &Key) -> u64 {
        self.state.hash_one(key.as_str())
    }

    fn digests(&self) -> MutexGuard<'_, HashSet<u64>> {
        // A set of guesses: whole after any panic.
        self.digests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
