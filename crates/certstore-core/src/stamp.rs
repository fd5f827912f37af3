//! Who wrote under a lock.

use crate::{FencingToken, Lock, LockName, LockerId};

/// The lock and the token of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) locker: LockerId,
    pub(crate) name: LockName,
    pub(crate) token: FencingToken,
}

impl Stamp {
    pub(crate) fn of(guard: &Lock) -> Self {
        Self { locker: guard.locker_id().clone(), name: guard.name().clone(), token: guard.token() }
    }

    /// Whether a newer holder of the same lock has written.
    pub(crate) fn refuses(&self, other: &Self) -> bool {
        self.locker == other.locker && self.name == other.name && self.token > other.token
    }
}
