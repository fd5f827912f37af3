//! A certstore as the storage of certon.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use certon::error::{Result, StorageError};
use certon::{KeyInfo, Storage};
use certstore_adapter::{dir, key, lock_name};
use certstore_core::{Clock, ErrorKind, Key, SystemClock};

use crate::error::{of_key, of_lock};
use crate::held::Held;

/// As long as certon's own file storage waits for a lock.
const LOCK_LIMIT: Duration = Duration::from_secs(300);

/// Any certstore backend as the storage of certon: for [`CertManagerBuilder::storage`](certon::CertManagerBuilder::storage)
/// and for that of its issuers.
///
/// * **Outages.** certon orders when its storage says `NotFound`. Only a key that is not there says so here; a backend
///   that is down, slow or refuses is another error, after which nothing is ordered.
/// * **Certificates** are one value each in certon, which every backend writes whole.
/// * **Locks** are renewed until they are given back, and given back when this storage is dropped. certon knows no lost
///   lock: it learns of it from `unlock`, which is an error then, and never frees the lock of another holder. A lost
///   lock that was taken again in this process before its first holder gave it back is freed by the later of the two.
///   A process that was paused beyond its lease may thus order beside another, and store its certificate over that
///   one's: a whole and valid one.
/// * **Keys** are certon's own, with other scripts as IDNA writes them (`bücher.example` is `xn--bcher-kva.example`). A
///   key that the contract does not allow is an error of kind `InvalidInput`.
/// * **Lists** are as in certon's file storage: recursive ones have directories, too; a missing directory is empty.
/// * **Errors** other than `NotFound` and those of locks are `Io`, and have the
///   [`certstore_core::Error`] inside (`get_ref` of the I/O error).
///
/// ```
/// use std::sync::Arc;
/// use certon::Storage;
/// use certstore_certon::CertstoreStorage;
/// use certstore_core::MemoryStorage;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certon::Error> {
/// let storage = CertstoreStorage::new(Arc::new(MemoryStorage::new()));
/// storage.store("certificates/ca/example.com/example.com.key", b"a private key").await?;
/// assert_eq!(storage.list("certificates", false).await?, ["certificates/ca"]);
/// # Ok(()) }
/// ```
pub struct CertstoreStorage {
    storage: Arc<dyn certstore_core::Storage>,
    held: Held,
    lock_limit: Duration,
    clock: Arc<dyn Clock>,
}

impl CertstoreStorage {
    /// certon's view of `storage`. Its locks must be taken inside a tokio runtime, where certon runs.
    #[must_use]
    pub fn new(storage: Arc<dyn certstore_core::Storage>) -> Self {
        let clock = Arc::new(SystemClock);
        Self { storage, held: Held::default(), lock_limit: LOCK_LIMIT, clock }
    }

    /// How long `lock` waits before it is an error; 5 minutes unless set, as in certon's own storage. certon goes on
    /// waiting in a task of its own when its caller is cancelled; this is where that ends.
    #[must_use]
    pub fn with_lock_limit(mut self, limit: Duration) -> Self {
        self.lock_limit = limit;
        self
    }

    /// Another clock, for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Whether the lock came within the time.
    async fn take(&self, name: &str, limit: Duration) -> certstore_core::Result<bool> {
        let lock_name = lock_name(name)?;
        let lock = if limit.is_zero() {
            self.storage.try_lock(&lock_name).await?
        } else {
            tokio::select! {
                biased;
                lock = self.storage.lock(&lock_name) => Some(lock?),
                () = self.clock.sleep(limit) => None,
            }
        };
        let taken = lock.map(|lock| self.held.keep(name, lock));
        Ok(taken.is_some())
    }
}

impl fmt::Debug for CertstoreStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertstoreStorage")
            .field("storage", &self.storage.backend())
            .field("lock_limit", &self.lock_limit)
            .finish_non_exhaustive()
    }
}

fn parsed(name: &str) -> Result<Key> {
    key(name).map_err(|error| of_key(error, name))
}

#[async_trait]
impl Storage for CertstoreStorage {
    async fn store(&self, name: &str, value: &[u8]) -> Result<()> {
        let stored = self.storage.store(&parsed(name)?, value).await;
        stored.map(drop).map_err(|error| of_key(error, name))
    }

    async fn load(&self, name: &str) -> Result<Vec<u8>> {
        let value = self.storage.load(&parsed(name)?).await;
        value.map(Vec::from).map_err(|error| of_key(error, name))
    }

    async fn delete(&self, name: &str) -> Result<()> {
        self.storage.delete(&parsed(name)?).await.map_err(|error| of_key(error, name))
    }

    async fn exists(&self, name: &str) -> Result<bool> {
        self.storage.exists(&parsed(name)?).await.map_err(|error| of_key(error, name))
    }

    async fn list(&self, path: &str, recursive: bool) -> Result<Vec<String>> {
        let dir = dir(path).map_err(|error| of_key(error, path))?;
        match self.storage.list(&dir, recursive).await {
            Ok(keys) => Ok(keys.iter().map(|key| key.as_str().to_owned()).collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(of_key(error, path)),
        }
    }

    /// What is known of a key. A backend that does not know the size of a value loads it. A time that is not known, as a
    /// directory's in most, is now: certon deletes staples for their age.
    async fn stat(&self, name: &str) -> Result<KeyInfo> {
        let key = parsed(name)?;
        let found = self.storage.stat(&key).await.map_err(|error| of_key(error, name))?;
        let size = match found.size {
            Some(size) => size,
            None if found.is_terminal => {
                let value = self.storage.load(&key).await.map_err(|error| of_key(error, name))?;
                value.len() as u64
            }
            None => 0,
        };
        let modified = found.modified.unwrap_or_else(|| self.clock.wall()).into();
        let is_terminal = found.is_terminal;
        Ok(KeyInfo { key: key.as_str().to_owned(), modified, size, is_terminal })
    }

    /// Waits until the lock is held.
    ///
    /// # Errors
    /// `LockFailed`: it was not held within [`with_lock_limit`](Self::with_lock_limit), or of the storage.
    ///
    /// # Cancel safety
    /// Dropped, no lock is left.
    async fn lock(&self, name: &str) -> Result<()> {
        if self.take(name, self.lock_limit).await.map_err(|error| of_lock(&error))? {
            return Ok(());
        }
        let limit = self.lock_limit;
        Err(StorageError::LockFailed(format!("{name:?} was held by others for {limit:?}")).into())
    }

    /// Gives the lock back.
    ///
    /// # Errors
    /// `LockFailed`: it is not held here, or was lost before; nobody else's lock is freed.
    ///
    /// # Cancel safety
    /// Once polled, the release goes on to its end.
    async fn unlock(&self, name: &str) -> Result<()> {
        let lock = self.held.take(name).map_err(|error| of_lock(&error))?;
        lock.unlock().await.map_err(|error| of_lock(&error))
    }

    async fn try_lock(&self, name: &str, timeout: Duration) -> Result<bool> {
        self.take(name, timeout).await.map_err(|error| of_lock(&error))
    }
}

#[cfg(test)]
#[path = "storage_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "lock_tests.rs"]
mod lock_tests;
