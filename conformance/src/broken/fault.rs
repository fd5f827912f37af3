//! A fault: the methods of the contract, each passed through unless the fault says otherwise.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Capabilities, Change, Condition, Dir, FencingToken, Key, KeyInfo, Lock, LockInfo, LockName,
    Locker as _, MemoryStorage, Result, Storage, Version, Versioned,
};
use futures_util::stream::BoxStream;

/// One client of the sound store below the fault.
#[derive(Clone)]
pub(super) struct Handle {
    pub(super) inner: MemoryStorage,
    /// Tells clients apart.
    pub(super) id: u64,
    pub(super) namespace: Arc<str>,
}

/// What a broken store does. Shared by all its clients.
#[async_trait]
pub(super) trait Fault: Send + Sync {
    fn capabilities(&self, at: &Handle) -> Capabilities {
        at.inner.capabilities()
    }

    async fn store(&self, at: &Handle, key: &Key, value: &[u8]) -> Result<Version> {
        at.inner.store(key, value).await
    }

    async fn store_if(
        &self,
        at: &Handle,
        key: &Key,
        value: &[u8],
        condition: &Condition,
    ) -> Result<Version> {
        at.inner.store_if(key, value, condition).await
    }

    async fn store_fenced(
        &self,
        at: &Handle,
        key: &Key,
        value: &[u8],
        guard: &Lock,
    ) -> Result<Version> {
        at.inner.store_fenced(key, value, guard).await
    }

    async fn store_all(&self, at: &Handle, items: &[(&Key, &[u8])]) -> Result<()> {
        at.inner.store_all(items).await
    }

    async fn store_all_fenced(
        &self,
        at: &Handle,
        items: &[(&Key, &[u8])],
        guard: &Lock,
    ) -> Result<()> {
        at.inner.store_all_fenced(items, guard).await
    }

    async fn load(&self, at: &Handle, key: &Key) -> Result<Bytes> {
        at.inner.load(key).await
    }

    async fn load_versioned(&self, at: &Handle, key: &Key) -> Result<Versioned> {
        at.inner.load_versioned(key).await
    }

    async fn load_many(&self, at: &Handle, keys: &[&Key]) -> Vec<Result<Bytes>> {
        at.inner.load_many(keys).await
    }

    async fn load_bundle(&self, at: &Handle, keys: &[&Key]) -> Result<Vec<Bytes>> {
        at.inner.load_bundle(keys).await
    }

    async fn delete(&self, at: &Handle, key: &Key) -> Result<()> {
        at.inner.delete(key).await
    }

    async fn delete_if(&self, at: &Handle, key: &Key, version: &Version) -> Result<()> {
        at.inner.delete_if(key, version).await
    }

    async fn delete_fenced(&self, at: &Handle, key: &Key, guard: &Lock) -> Result<()> {
        at.inner.delete_fenced(key, guard).await
    }

    async fn exists(&self, at: &Handle, key: &Key) -> Result<bool> {
        at.inner.exists(key).await
    }

    async fn list(&self, at: &Handle, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        at.inner.list(dir, recursive).await
    }

    fn walk<'a>(&'a self, at: &'a Handle, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        at.inner.walk(dir)
    }

    async fn stat(&self, at: &Handle, key: &Key) -> Result<KeyInfo> {
        at.inner.stat(key).await
    }

    async fn watch(&self, at: &Handle, dir: &Dir) -> Result<BoxStream<'static, Result<Change>>> {
        at.inner.watch(dir).await
    }

    async fn lock(&self, at: &Handle, name: &LockName) -> Result<Lock> {
        at.inner.lock(name).await
    }

    async fn try_lock(&self, at: &Handle, name: &LockName) -> Result<Option<Lock>> {
        at.inner.try_lock(name).await
    }

    async fn locks(&self, at: &Handle) -> Result<Vec<LockInfo>> {
        at.inner.locks().await
    }

    async fn break_lock(&self, at: &Handle, name: &LockName, token: FencingToken) -> Result<()> {
        at.inner.break_lock(name, token).await
    }

    /// Called when a namespace was removed.
    fn removed(&self, _namespace: &str) {}

    /// What the factory tells of the round trips that were made.
    fn round_trips(&self, _made: Option<u64>) -> Option<u64> {
        None
    }

    fn canary_texts(&self, _canary: &str) -> Vec<String> {
        Vec::new()
    }

    /// The fault of a store whose backend is down, where the factory offers one.
    fn faulty(&self) -> Option<Arc<dyn Fault>> {
        None
    }
}

/// What a fault remembers, by key or name.
pub(super) struct Memory<K, V>(Mutex<HashMap<K, V>>);

impl<K: Eq + Hash, V> Memory<K, V> {
    pub(super) fn open(&self) -> MutexGuard<'_, HashMap<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Default for Memory<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}
