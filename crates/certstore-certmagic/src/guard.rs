//! Locks that certmagic holds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use certmagic::error::Result;
use certmagic::storage::{LockGuard, LockRelease};
use certstore_core::Lock;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::runtime::Handle;

use crate::error::theirs;

/// The acquisitions of one storage by name, for calls that know a lock by its name alone. The guards own them.
#[derive(Debug, Default)]
pub(crate) struct Held(Mutex<HashMap<String, Weak<Acquisition>>>);

impl Held {
    /// certmagic's guard for `lock`. Must be called inside a tokio runtime.
    pub(crate) fn guard(&self, name: &str, lock: Lock) -> LockGuard {
        let acquisition = Arc::new(Acquisition {
            name: name.to_owned(),
            state: Mutex::new(State { lock: Some(lock), ending: None }),
            runtime: Handle::current(),
        });
        let mut all = locked(&self.0);
        all.retain(|_, old| old.strong_count() > 0);
        all.insert(name.to_owned(), Arc::downgrade(&acquisition));
        drop(all);
        LockGuard::new(name, Box::new(Guard(acquisition)))
    }

    /// The last acquisition of that name, while its guard lives.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Acquisition>> {
        locked(&self.0).get(name).and_then(Weak::upgrade)
    }
}

/// One acquisition of a lock, from there to its end.
#[derive(Debug)]
pub(crate) struct Acquisition {
    name: String,
    state: Mutex<State>,
    runtime: Handle,
}

type Ending = Shared<BoxFuture<'static, Result<()>>>;

#[derive(Debug)]
struct State {
    /// The lock, while nobody gives it back.
    lock: Option<Lock>,
    /// Its end: whoever asks for that gets the same answer.
    ending: Option<Ending>,
}

impl Acquisition {
    pub(crate) fn is_held(&self) -> bool {
        locked(&self.state).lock.as_ref().is_some_and(|lock| lock.check().is_ok())
    }

    /// The lock, to write under, while nobody gives it back.
    pub(crate) fn lock(&self) -> Option<Lock> {
        locked(&self.state).lock.as_ref().map(Lock::shared)
    }

    /// Gives the lock back, once; the future ends when the backend has answered.
    pub(crate) fn end(&self) -> Ending {
        let mut state = locked(&self.state);
        let State { lock, ending } = &mut *state;
        let end = || {
            let (lock, name) = (lock.take(), self.name.clone());
            let unlock = async move {
                match lock {
                    Some(lock) => lock.unlock().await.map_err(|error| theirs(&error, &name)),
                    None => Ok(()),
                }
            };
            unlock.boxed().shared()
        };
        ending.get_or_insert_with(end).clone()
    }
}

struct Guard(Arc<Acquisition>);

impl LockRelease for Guard {
    /// In the background, on the runtime that the lock was taken in.
    fn release(&self) {
        let (ending, name) = (self.0.end(), self.0.name.clone());
        self.0.runtime.spawn(async move {
            if let Err(error) = ending.await {
                tracing::warn!(lock = %name, %error, "a dropped lock could not be released");
            }
        });
    }

    fn is_valid(&self) -> bool {
        self.0.is_held()
    }

    fn release_async(&self) -> BoxFuture<'_, Result<()>> {
        self.0.end().boxed()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
