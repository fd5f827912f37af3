//! The locks that this process holds, to be given back at its end.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Capabilities, Change, Condition, Dir, FencingToken, Key, KeyInfo, Lock, LockInfo, LockName,
    Locker, LostReason, Release, Result, Storage, Version, Versioned,
};
use futures_util::future::join_all;
use futures_util::stream::BoxStream;
use tokio::sync::watch;

/// A storage that knows the locks that were obtained through it, and gives them all back when the process is about to end.
///
/// A lock that is dropped is released in the background, which the end of a process may cut off; then the next one waits
/// for a lease. Give a [`Config`](crate::Config) and its issuers this storage, and call
/// [`unlock_all_obtained`](Self::unlock_all_obtained) last.
///
/// ```
/// use std::sync::Arc;
/// use certstore_acme::ObtainedLocks;
/// use certstore_core::{Locker as _, MemoryStorage};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
/// let storage = ObtainedLocks::new(Arc::new(MemoryStorage::new()));
/// let held = storage.lock(&"job".parse()?).await?;
/// storage.unlock_all_obtained().await;
/// assert!(held.check().is_err() && storage.locks().await?.is_empty());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct ObtainedLocks {
    storage: Arc<dyn Storage>,
    held: Arc<Mutex<Held>>,
}

/// Guards of the storage itself, each until it is given back.
#[derive(Default)]
struct Held {
    last: u64,
    guards: BTreeMap<u64, Lock>,
    /// One for each that is being given back: all have gone when the sender is alone.
    releasing: watch::Sender<()>,
}

impl ObtainedLocks {
    /// Over this storage.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage, held: Arc::default() }
    }

    /// Gives back all locks that were obtained through this storage, and waits until the storage has said so, also of those
    /// that were dropped just before. Whoever works under one of them sees it lost. One that cannot be given back ends with
    /// its lease.
    ///
    /// # Cancel safety
    /// Once polled, each goes on to its end.
    pub async fn unlock_all_obtained(&self) {
        let (guards, releasing) = {
            let mut held = self.held();
            (std::mem::take(&mut held.guards), held.releasing.clone())
        };
        join_all(guards.into_values().map(async |guard| {
            let (name, validity) = (guard.name().clone(), guard.validity().clone());
            if let Err(error) = guard.unlock().await {
                tracing::warn!(lock = %name, %error, "a lock could not be given back; it ends with its lease");
            }
            validity.lose(LostReason::Released);
        }))
        .await;
        releasing.closed().await;
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the storage's own guard, and gives one for it.
    fn keep(&self, own: Lock) -> Lock {
        let (name, token) = (own.name().clone(), own.token());
        let (locker, validity) = (own.locker_id().clone(), own.validity().clone());
        let mut held = self.held();
        held.last += 1;
        let number = held.last;
        held.guards.insert(number, own);
        drop(held);
        let release = Kept { held: Arc::clone(&self.held), number };
        Lock::new(name, token, locker, validity, Box::new(release))
    }
}

/// One of them.
struct Kept {
    held: Arc<Mutex<Held>>,
    number: u64,
}

#[async_trait]
impl Release for Kept {
    async fn release(self: Box<Self>) -> Result<()> {
        let own = {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.guards.remove(&self.number).map(|own| (own, held.releasing.subscribe()))
        };
        match own {
            Some((own, _releasing)) => own.unlock().await,
            // It was given back with all others.
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ObtainedLocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObtainedLocks")
            .field("storage", &self.storage.backend())
            .field("held", &self.held().guards.len())
            .finish()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Locker for ObtainedLocks {
    async fn lock(&self, name: &LockName) -> Result<Lock> {
        Ok(self.keep(self.storage.lock(name).await?))
    }

    async fn try_lock(&self, name: &LockName) -> Result<Option<Lock>> {
        Ok(self.storage.try_lock(name).await?.map(|own| self.keep(own)))
    }

    async fn locks(&self) -> Result<Vec<LockInfo>> {
        self.storage.locks().await
    }

    async fn break_lock(&self, name: &LockName, token: FencingToken) -> Result<()> {
        self.storage.break_lock(name, token).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Storage for ObtainedLocks {
    fn backend(&self) -> &'static str {
        self.storage.backend()
    }

    fn capabilities(&self) -> Capabilities {
        self.storage.capabilities()
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        self.storage.store(key, value).await
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        self.storage.store_if(key, value, condition).await
    }

    async fn store_fenced(&self, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        self.storage.store_fenced(key, value, guard).await
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        self.storage.store_all(items).await
    }

    async fn store_all_fenced(&self, items: &[(&Key, &[u8])], guard: &Lock) -> Result<()> {
        self.storage.store_all_fenced(items, guard).await
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.storage.load(key).await
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        self.storage.load_versioned(key).await
    }

    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        self.storage.load_many(keys).await
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        self.storage.load_bundle(keys).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.storage.delete(key).await
    }

    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        self.storage.delete_if(key, version).await
    }

    async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        self.storage.delete_fenced(key, guard).await
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        self.storage.exists(key).await
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.storage.list(dir, recursive).await
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        self.storage.walk(dir)
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        self.storage.stat(key).await
    }

    async fn watch(&self, dir: &Dir) -> Result<BoxStream<'static, Result<Change>>> {
        self.storage.watch(dir).await
    }

    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        self.storage.foreign(dir).await
    }
}

#[cfg(test)]
#[path = "obtained_locks_tests.rs"]
mod tests;
