//! Locks that certon holds, which it knows by name alone.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use certstore_core::{Error, ErrorKind, Lock, Result};

/// The locks of one storage by name. They go with it.
///
/// Of one name there are several only where a lock was lost and taken again before its first holder gave it back. Which
/// holder calls cannot be known then, so the oldest lock goes first: the lock of now is given back by the last call, when
/// both holders are done.
#[derive(Debug, Default)]
pub(crate) struct Held(Mutex<HashMap<String, VecDeque<Lock>>>);

impl Held {
    pub(crate) fn keep(&self, name: &str, lock: Lock) {
        self.locks().entry(name.to_owned()).or_default().push_back(lock);
    }

    /// Takes the oldest lock of that name.
    ///
    /// # Errors
    /// [`ErrorKind::LockLost`]: none is held.
    pub(crate) fn take(&self, name: &str) -> Result<Lock> {
        let mut locks = self.locks();
        let oldest = locks.get_mut(name).and_then(VecDeque::pop_front);
        if locks.get(name).is_some_and(VecDeque::is_empty) {
            locks.remove(name);
        }
        oldest.ok_or_else(|| {
            let shown: String = name.chars().take(80).flat_map(char::escape_debug).collect();
            Error::new(ErrorKind::LockLost, "no lock of this name is held through this storage")
                .with_operation("unlock")
                .with_subject(shown)
        })
    }

    fn locks(&self) -> MutexGuard<'_, HashMap<String, VecDeque<Lock>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
