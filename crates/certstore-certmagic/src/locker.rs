//! certmagic's trait of locks.

use std::time::Duration;

use async_trait::async_trait;
use certmagic::error::{Error, Result, StorageError};
use certmagic::storage::{LockGuard, Locker};
use certstore_core::LockName;
use tokio_util::sync::CancellationToken;

use crate::CertstoreStorage;
use crate::error::theirs;

#[async_trait]
impl Locker for CertstoreStorage {
    /// Waits until the lock is held.
    ///
    /// # Errors
    /// `Internal` when `ct` is cancelled; else of the storage.
    ///
    /// # Cancel safety
    /// Dropped or cancelled, no lock is left.
    async fn lock(&self, ct: &CancellationToken, name: &str) -> Result<LockGuard> {
        let lock = unless(ct, self.storage().lock(&lock_name(name)?)).await?;
        Ok(self.held().guard(name, lock.map_err(|error| theirs(&error, name))?))
    }

    /// Gives back what this storage holds under that name; as in certmagic's own storages, `Ok` when that is nothing.
    ///
    /// # Errors
    /// `StaleLock` when the lock was lost before; else of the storage.
    ///
    /// # Cancel safety
    /// Once polled, the release goes on to its end.
    async fn unlock(&self, name: &str) -> Result<()> {
        match self.held().get(name) {
            Some(acquisition) => acquisition.end().await,
            None => Ok(()),
        }
    }

    /// Takes the lock if that is possible at once.
    ///
    /// # Errors
    /// As [`lock`](Self::lock).
    ///
    /// # Cancel safety
    /// As [`lock`](Self::lock).
    async fn try_lock(&self, ct: &CancellationToken, name: &str) -> Result<Option<LockGuard>> {
        let lock = unless(ct, self.storage().try_lock(&lock_name(name)?)).await?;
        let lock = lock.map_err(|error| theirs(&error, name))?;
        Ok(lock.map(|lock| self.held().guard(name, lock)))
    }

    /// Waits for the lock, `timeout` at most: in the queue, where certmagic's default would ask every 25 ms. With no time
    /// at all it is [`try_lock`](Self::try_lock).
    ///
    /// # Errors
    /// As [`lock`](Self::lock).
    ///
    /// # Cancel safety
    /// As [`lock`](Self::lock).
    async fn try_lock_with_timeout(
        &self,
        name: &str,
        timeout: Duration,
    ) -> Result<Option<LockGuard>> {
        if timeout.is_zero() {
            return self.try_lock(&CancellationToken::new(), name).await;
        }
        match self.lock_with_timeout(name, timeout).await {
            Ok(guard) => Ok(Some(guard)),
            Err(Error::Storage(StorageError::LockUnavailable(_))) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the lock is still held: it is renewed in the background until it is given back, however long that is.
    ///
    /// # Errors
    /// `StaleLock` when it is not held.
    ///
    /// # Cancel safety
    /// No I/O.
    async fn renew_lock_lease(&self, name: &str, _lease: Duration) -> Result<()> {
        if self.held().get(name).is_some_and(|acquisition| acquisition.is_held()) {
            return Ok(());
        }
        Err(Error::from(StorageError::StaleLock(name.to_owned())).no_retry())
    }
}

fn lock_name(name: &str) -> Result<LockName> {
    certstore_adapter::lock_name(name).map_err(|error| theirs(&error, name))
}

async fn unless<T>(ct: &CancellationToken, work: impl Future<Output = T>) -> Result<T> {
    tokio::select! {
        biased;
        () = ct.cancelled() => Err(Error::Internal("the wait for the lock was cancelled".into())),
        done = work => Ok(done),
    }
}

#[cfg(test)]
#[path = "locker_tests.rs"]
mod tests;
