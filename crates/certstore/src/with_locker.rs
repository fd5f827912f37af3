//! Values in one storage, locks from another.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Capabilities, Change, Condition, Dir, Fence, Key, KeyInfo, Lock, Result, Shared, Storage,
    Version, Versioned,
};
use futures_util::stream::BoxStream;

/// A storage that keeps values in one backend and takes its locks from another, as `[storage.lock]` says.
///
/// All who share the values must take their locks from the same place. A fenced write is checked against the key's stamp,
/// not against the lock, so [`Fence`] is [`PerKey`](Fence::PerKey) at most.
///
/// ```
/// use std::sync::Arc;
/// use certstore::{Fence, MemoryStorage, Storage, WithLocker};
/// let storage = WithLocker::new(Arc::new(MemoryStorage::new()), Arc::new(MemoryStorage::new()));
/// assert_eq!(storage.capabilities().fence, Fence::PerKey);
/// ```
#[derive(Clone)]
pub struct WithLocker {
    values: Arc<dyn Storage>,
    locker: Arc<dyn Storage>,
}

impl WithLocker {
    /// Values in `values`, locks from `locker`.
    #[must_use]
    pub fn new(values: Arc<dyn Storage>, locker: Arc<dyn Storage>) -> Self {
        Self { values, locker }
    }
}

impl fmt::Debug for WithLocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithLocker")
            .field("values", &self.values.backend())
            .field("locker", &self.locker.backend())
            .finish()
    }
}

/// The narrower of two circles of sharing.
fn narrower(a: Shared, b: Shared) -> Shared {
    match (a, b) {
        (Shared::Network, other) | (other, Shared::Network) => other,
        (Shared::Host, Shared::Host) => Shared::Host,
        _ => Shared::Process,
    }
}

certstore_core::forward_locker!(WithLocker => locker);

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Storage for WithLocker {
    fn backend(&self) -> &'static str {
        self.values.backend()
    }

    fn capabilities(&self) -> Capabilities {
        let locker = self.locker.capabilities();
        let mut own = self.values.capabilities();
        if own.fence == Fence::Strict {
            own.fence = Fence::PerKey;
        }
        own.shared = narrower(own.shared, locker.shared);
        own.lease = locker.lease;
        own
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        self.values.store(key, value).await
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        self.values.store_if(key, value, condition).await
    }

    async fn store_fenced(&self, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        self.values.store_fenced(key, value, guard).await
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        self.values.store_all(items).await
    }

    async fn store_all_fenced(&self, items: &[(&Key, &[u8])], guard: &Lock) -> Result<()> {
        self.values.store_all_fenced(items, guard).await
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.values.load(key).await
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        self.values.load_versioned(key).await
    }

    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        self.values.load_many(keys).await
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        self.values.load_bundle(keys).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.values.delete(key).await
    }

    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        self.values.delete_if(key, version).await
    }

    async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        self.values.delete_fenced(key, guard).await
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        self.values.exists(key).await
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.values.list(dir, recursive).await
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        self.values.walk(dir)
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        self.values.stat(key).await
    }

    async fn watch(&self, dir: &Dir) -> Result<BoxStream<'static, Result<Change>>> {
        self.values.watch(dir).await
    }

    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        self.values.foreign(dir).await
    }
}
