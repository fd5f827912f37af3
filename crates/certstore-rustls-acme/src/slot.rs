//! One value of rustls-acme in a storage: loaded, held under its lock while it is missing, stored.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use certstore_core::{Error, ErrorKind, Fence, Key, Lock, LockName, Result, Storage};
use zeroize::Zeroizing;

use crate::held::Held;
use crate::retry::Pace;

/// What a stored value is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// rustls-acme uses it and orders nothing.
    Good,
    /// It serves, and rustls-acme renews it at once.
    Due,
    /// rustls-acme renews it at once.
    Expired,
    /// rustls-acme cannot read it, and orders at once.
    Damaged,
}

/// How long a process with a certificate that still serves waits for whoever renews it.
const DUE_WAIT: Duration = Duration::from_secs(10);

/// What all slots of one cache share.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    pub(crate) storage: Storages,
    pub(crate) held: Arc<Held>,
    pub(crate) hold_limit: Duration,
    pub(crate) pace: Pace,
}

/// A storage, by its name in `Debug`.
#[derive(Clone)]
pub(crate) struct Storages(pub(crate) Arc<dyn Storage>);

impl std::fmt::Debug for Storages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.backend())
    }
}

/// The value of one key, and the lock of who makes it.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) key: Key,
    pub(crate) lock: LockName,
    pub(crate) state: fn(&[u8], SystemTime) -> State,
}

impl Slot {
    pub(crate) fn new(key: Key, state: fn(&[u8], SystemTime) -> State) -> Result<Self> {
        Ok(Self { lock: LockName::new(key.as_str())?, key, state })
    }

    /// The value, once the storage answers. When there is none, or rustls-acme will replace it at once, the lock is held
    /// from here to [`store`](Self::store), and nobody else had it in between.
    pub(crate) async fn load(&self, shelf: &Shelf) -> Option<Vec<u8>> {
        let found = self.read(shelf).await;
        if found.is_good() || shelf.held.has(&self.key) {
            return found.usable();
        }
        let lock = match found.state {
            Some(State::Due) => {
                tokio::select! {
                    biased;
                    lock = self.lock(shelf) => lock,
                    () = shelf.pace.clock.sleep(DUE_WAIT) => {
                        tracing::warn!(key = %self.key, "another process is slow to renew this certificate; this one renews it, too");
                        return found.usable();
                    }
                }
            }
            _ => self.lock(shelf).await,
        };
        // Whoever had the lock before may have stored it.
        let found = self.read(shelf).await;
        if found.is_good() {
            self.unlock(lock).await;
        } else {
            shelf.held.keep(&self.key, lock, shelf.hold_limit, &shelf.pace.clock);
        }
        found.usable()
    }

    /// Stores the value and gives the lock back. While the storage does not answer it goes on trying: what a CA has
    /// issued is worth keeping.
    pub(crate) async fn store(&self, shelf: &Shelf, value: &[u8]) -> Result<()> {
        let mut held = shelf.held.take(&self.key);
        let mut waits = shelf.pace.waits();
        loop {
            let (lock, was_held) = match held.take() {
                Some(lock) => (lock, true),
                None => (self.lock(shelf).await, false),
            };
            // Without the lock, another process may have come first. What the fleet serves already stays.
            if !was_held && self.read(shelf).await.is_good() {
                tracing::info!(key = %self.key, "another process has stored one that is good; that one stays");
                self.unlock(lock).await;
                return Ok(());
            }
            match self.write(shelf, value, &lock).await {
                Ok(()) => {
                    self.unlock(lock).await;
                    return Ok(());
                }
                Err(error) if starts_over(&error) => {
                    tracing::warn!(key = %self.key, %error, "the lock went to another process; trying again");
                }
                Err(error) if error.is_retryable() => {
                    waits.after(&error, &self.key).await;
                    held = Some(lock);
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn read(&self, shelf: &Shelf) -> Found {
        let mut waits = shelf.pace.waits();
        let value = loop {
            match shelf.storage.0.load(&self.key).await {
                Ok(value) => break value,
                Err(error) if error.kind() == ErrorKind::NotFound => return Found::nothing(),
                Err(error) => waits.after(&error, &self.key).await,
            }
        };
        let state = (self.state)(&value, shelf.pace.clock.wall());
        if state == State::Damaged {
            tracing::error!(key = %self.key, "what is stored here is no key with its certificate; it will be replaced");
        }
        Found { value: Zeroizing::new(value.to_vec()), state: Some(state) }
    }

    async fn lock(&self, shelf: &Shelf) -> Lock {
        let mut waits = shelf.pace.waits();
        loop {
            match shelf.storage.0.lock(&self.lock).await {
                Ok(lock) => return lock,
                Err(error) => waits.after(&error, &self.lock).await,
            }
        }
    }

    /// Fenced where the storage can: a holder that was paused beyond its lease writes nothing any more.
    async fn write(&self, shelf: &Shelf, value: &[u8], lock: &Lock) -> Result<()> {
        lock.check()?;
        let storage = &shelf.storage.0;
        let stored = match storage.capabilities().fence {
            Fence::None => storage.store(&self.key, value).await,
            _ => storage.store_fenced(&self.key, value, lock).await,
        };
        stored.map(drop)
    }

    /// The work is done; a lock that cannot be given back ends with its lease.
    async fn unlock(&self, lock: Lock) {
        if let Err(error) = lock.unlock().await {
            tracing::warn!(lock = %self.lock, %error, "the lock could not be given back; it ends with its lease");
        }
    }
}

fn starts_over(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::LockLost | ErrorKind::Fenced | ErrorKind::Conflict)
}

/// What a load came to.
struct Found {
    value: Zeroizing<Vec<u8>>,
    state: Option<State>,
}

impl Found {
    fn nothing() -> Self {
        Self { value: Zeroizing::new(Vec::new()), state: None }
    }

    fn is_good(&self) -> bool {
        self.state == Some(State::Good)
    }

    /// The value, for rustls-acme, whose own it then is.
    fn usable(mut self) -> Option<Vec<u8>> {
        match self.state {
            None | Some(State::Damaged) => None,
            Some(_) => Some(std::mem::take(&mut *self.value)),
        }
    }
}
