//! Locks that are held from a miss to the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use certstore_core::{Clock, ErrorKind, FencingToken, Key, Lock};
use tokio::task::AbortHandle;

/// The locks of one cache, a key each. They go with it.
#[derive(Debug, Default)]
pub(crate) struct Held(Arc<Locks>);

type Locks = Mutex<HashMap<Key, Guard>>;

#[derive(Debug)]
struct Guard {
    lock: Lock,
    _watch: Watch,
}

/// Ends the watch with the guard.
#[derive(Debug)]
struct Watch(AbortHandle);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Held {
    pub(crate) fn has(&self, key: &Key) -> bool {
        locks(&self.0).get(key).is_some_and(|guard| !is_lost(&guard.lock))
    }

    /// Keeps the lock until it is taken, lost, or `limit` has gone by: an order that never ends must not keep the others
    /// from trying. Must be called inside a tokio runtime.
    pub(crate) fn keep(&self, key: &Key, lock: Lock, limit: Duration, clock: &Arc<dyn Clock>) {
        let (lost, over) = (lock.lost(), clock.sleep(limit));
        let (all, name, token) = (Arc::downgrade(&self.0), key.clone(), lock.token());
        let watch = tokio::spawn(async move {
            tokio::select! {
                biased;
                reason = lost => {
                    tracing::warn!(key = %name, %reason, "the lock was lost while a certificate is ordered; another process may order, too");
                }
                () = over => {
                    tracing::warn!(key = %name, ?limit, "nothing was stored in time; the lock is given back, and another process may order");
                }
            }
            forget(&all, &name, token);
        });
        let guard = Guard { lock, _watch: Watch(watch.abort_handle()) };
        let before = locks(&self.0).insert(key.clone(), guard);
        drop(before);
    }

    /// The lock, if it was not lost nor held too long.
    pub(crate) fn take(&self, key: &Key) -> Option<Lock> {
        let guard = locks(&self.0).remove(key)?;
        Some(guard.lock)
    }
}

/// A lock whose possession is not proven at this moment is not lost.
fn is_lost(lock: &Lock) -> bool {
    lock.check().is_err_and(|error| error.kind() == ErrorKind::LockLost)
}

fn locks(all: &Locks) -> MutexGuard<'_, HashMap<Key, Guard>> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

fn forget(all: &Weak<Locks>, key: &Key, token: FencingToken) {
    let Some(all) = all.upgrade() else { return };
    let mut locks = locks(&all);
    if locks.get(key).is_some_and(|guard| guard.lock.token() == token) {
        let guard = locks.remove(key);
        drop(locks);
        drop(guard);
    }
}
