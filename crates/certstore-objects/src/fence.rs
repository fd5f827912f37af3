//! The fence stamp: under which lock an object was written last, in its metadata.

use std::collections::HashMap;

use certstore_core::{Error, ErrorKind, Lock, Result};

use crate::hex_digest;

/// The metadata entry: token and digest of the lock.
const FENCE: &str = "certstore-fence";

/// The lock that a value was written under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FenceStamp {
    /// A digest of locker and name: metadata are ASCII and short, and only equality counts.
    lock: String,
    token: u64,
}

impl FenceStamp {
    /// Of a lock that is held.
    #[must_use]
    pub fn of(guard: &Lock) -> Self {
        // No lock name has a NUL, so the two cannot run into one another.
        let lock = format!("{}\0{}", guard.name(), guard.locker_id().as_str());
        Self { lock: hex_digest(lock.as_bytes()), token: guard.token().0 }
    }

    /// What an object's metadata say.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: something else stands there, so nobody knows whose token it was.
    pub fn read(metadata: &HashMap<String, String>) -> Result<Option<Self>> {
        let Some(text) = metadata.get(FENCE) else { return Ok(None) };
        let parsed = text.split_once(' ').and_then(|(token, lock)| {
            Some(Self { token: token.parse().ok()?, lock: lock.to_owned() })
        });
        parsed.map(Some).ok_or_else(|| {
            let message =
                "the stamp of the last fenced write is damaged; store the value plainly to clear it";
            Error::new(ErrorKind::Corrupt, message)
        })
    }

    /// The entry in the metadata of an object that is written under the lock: its name and its text.
    #[must_use]
    pub fn entry(&self) -> (String, String) {
        (FENCE.to_owned(), format!("{} {}", self.token, self.lock))
    }

    /// Whether the other was made under the same lock, by whichever holder.
    #[must_use]
    pub fn is_same_lock(&self, other: &Self) -> bool {
        self.lock == other.lock
    }

    /// Whether a newer holder of the same lock has written.
    #[must_use]
    pub fn refuses(&self, other: &Self) -> bool {
        self.is_same_lock(other) && self.token > other.token
    }
}

/// The refusal of a write whose stamp a newer one refuses.
#[must_use]
pub fn fenced() -> Error {
    Error::new(ErrorKind::Fenced, "a newer holder of the lock has written this key; stop")
}

#[cfg(test)]
#[path = "fence_tests.rs"]
mod tests;
