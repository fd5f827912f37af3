//! A storage that may be opened later: for a program that starts while the server is down, and has a copy to serve from.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Capabilities, Change, Condition, Dir, Error, ErrorKind, FencingToken, Key, KeyInfo, Lock,
    LockInfo, LockName, Locker, Result, Storage, Version, Versioned,
};
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::sync::Mutex;

use crate::Config;

/// Opens the storage without its copy; one that does not answer is tried again with every call.
///
/// # Errors
/// All but that it does not answer.
pub(crate) async fn open(config: &Config) -> Result<Arc<dyn Storage>> {
    match crate::open::open_uncached(config).await {
        Err(error) if error.is_retryable() => {
            tracing::warn!(%error, "the storage cannot be opened: starting from the local copy alone");
            Ok(Arc::new(LateStorage::new(config.without_cache())))
        }
        opened => opened,
    }
}

/// Until the storage could be opened it declares the least that one can declare, and fails as the opening did.
struct LateStorage {
    config: Config,
    opened: OnceLock<Arc<dyn Storage>>,
    turn: Mutex<()>,
    /// Attempts that have failed.
    failed: AtomicU64,
}

impl LateStorage {
    fn new(config: Config) -> Self {
        Self { config, opened: OnceLock::new(), turn: Mutex::new(()), failed: AtomicU64::new(0) }
    }

    /// The storage, opened now if need be. Who waits while another one tries in vain does not try once more: each would
    /// wait for the time-out of all before it.
    async fn get(&self) -> Result<&Arc<dyn Storage>> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let failed = self.failed.load(Ordering::Acquire);
        let _turn = self.turn.lock().await;
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        if self.failed.load(Ordering::Acquire) != failed {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "the storage could not be opened since this program started; it is tried again",
            )
            .with_backend(self.config.backend()));
        }
        match crate::open::open_uncached(&self.config).await {
            Ok(opened) => Ok(self.opened.get_or_init(|| opened)),
            Err(error) => {
                self.failed.fetch_add(1, Ordering::AcqRel);
                Err(error)
            }
        }
    }

    /// The storage for a call about `key`.
    async fn of(&self, operation: &'static str, key: &Key) -> Result<&Arc<dyn Storage>> {
        self.get().await.map_err(|error| error.with_operation(operation).with_key(key))
    }

    async fn for_lock(
        &self,
        operation: &'static str,
        name: &LockName,
    ) -> Result<&Arc<dyn Storage>> {
        self.get().await.map_err(|error| error.with_operation(operation).with_lock(name))
    }

    async fn for_all(
        &self,
        operation: &'static str,
        first: Option<&Key>,
    ) -> Result<&Arc<dyn Storage>> {
        let named = |error: Error| match first {
            Some(key) => error.with_operation(operation).with_key(key),
            None => error.with_operation(operation),
        };
        self.get().await.map_err(named)
    }
}

impl fmt::Debug for LateStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LateStorage")
            .field("backend", &self.config.backend())
            .field("opened", &self.opened.get().is_some())
            .finish_non_exhaustive()
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Locker for LateStorage {
    async fn lock(&self, name: &LockName) -> Result<Lock> {
        self.for_lock("lock", name).await?.lock(name).await
    }

    async fn try_lock(&self, name: &LockName) -> Result<Option<Lock>> {
        self.for_lock("lock", name).await?.try_lock(name).await
    }

    async fn locks(&self) -> Result<Vec<LockInfo>> {
        self.for_all("list locks", None).await?.locks().await
    }

    async fn break_lock(&self, name: &LockName, token: FencingToken) -> Result<()> {
        self.for_lock("break lock", name).await?.break_lock(name, token).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Storage for LateStorage {
    fn backend(&self) -> &'static str {
        self.config.backend()
    }

    fn capabilities(&self) -> Capabilities {
        self.opened.get().map_or_else(Capabilities::minimal, |opened| opened.capabilities())
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        self.of("store", key).await?.store(key, value).await
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        self.of("store", key).await?.store_if(key, value, condition).await
    }

    async fn store_fenced(&self, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        self.of("store", key).await?.store_fenced(key, value, guard).await
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        let first = items.first().map(|(key, _)| *key);
        self.for_all("store", first).await?.store_all(items).await
    }

    async fn store_all_fenced(&self, items: &[(&Key, &[u8])], guard: &Lock) -> Result<()> {
        let first = items.first().map(|(key, _)| *key);
        self.for_all("store", first).await?.store_all_fenced(items, guard).await
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.of("load", key).await?.load(key).await
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        self.of("load", key).await?.load_versioned(key).await
    }

    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        match self.get().await {
            Ok(opened) => opened.load_many(keys).await,
            Err(_) => {
                // Each has an error of its own; all of them wait for one more attempt.
                futures_util::future::join_all(keys.iter().map(|key| self.load(key))).await
            }
        }
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        self.for_all("load bundle", keys.first().copied()).await?.load_bundle(keys).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.of("delete", key).await?.delete(key).await
    }

    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        self.of("delete", key).await?.delete_if(key, version).await
    }

    async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        self.of("delete", key).await?.delete_fenced(key, guard).await
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        self.of("exists", key).await?.exists(key).await
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.for_all("list", dir.key()).await?.list(dir, recursive).await
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        let dir = dir.clone();
        let walked = async move {
            let opened = self.for_all("list", dir.key()).await?;
            Ok::<_, Error>(opened.walk(&dir))
        };
        stream::once(walked).try_flatten().boxed()
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        self.of("stat", key).await?.stat(key).await
    }

    async fn watch(&self, dir: &Dir) -> Result<BoxStream<'static, Result<Change>>> {
        self.for_all("watch", dir.key()).await?.watch(dir).await
    }

    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        self.for_all("list", dir.key()).await?.foreign(dir).await
    }
}
