//! The store that has a fault.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Capabilities, Change, Condition, Dir, FencingToken, Key, KeyInfo, Lock, LockInfo, LockName,
    Locker, Result, Storage, Version, Versioned,
};
use futures_util::stream::BoxStream;

use super::fault::{Fault, Handle};

/// Asks the fault about everything.
pub(super) struct BrokenStorage {
    pub(super) at: Handle,
    pub(super) fault: Arc<dyn Fault>,
}

#[async_trait]
impl Locker for BrokenStorage {
    async fn lock(&self, name: &LockName) -> Result<Lock> {
        self.fault.lock(&self.at, name).await
    }

    async fn try_lock(&self, name: &LockName) -> Result<Option<Lock>> {
        self.fault.try_lock(&self.at, name).await
    }

    async fn locks(&self) -> Result<Vec<LockInfo>> {
        self.fault.locks(&self.at).await
    }

    async fn break_lock(&self, name: &LockName, token: FencingToken) -> Result<()> {
        self.fault.break_lock(&self.at, name, token).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for BrokenStorage {
    fn backend(&self) -> &'static str {
        self.at.inner.backend()
    }

    fn capabilities(&self) -> Capabilities {
        self.fault.capabilities(&self.at)
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        self.fault.store(&self.at, key, value).await
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        self.fault.store_if(&self.at, key, value, condition).await
    }

    async fn store_fenced(&self, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        self.fault.store_fenced(&self.at, key, value, guard).await
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        self.fault.store_all(&self.at, items).await
    }

    async fn store_all_fenced(&self, items: &[(&Key, &[u8])], guard: &Lock) -> Result<()> {
        self.fault.store_all_fenced(&self.at, items, guard).await
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.fault.load(&self.at, key).await
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        self.fault.load_versioned(&self.at, key).await
    }

    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        self.fault.load_many(&self.at, keys).await
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        self.fault.load_bundle(&self.at, keys).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.fault.delete(&self.at, key).await
    }

    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        self.fault.delete_if(&self.at, key, version).await
    }

    async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        self.fault.delete_fenced(&self.at, key, guard).await
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        self.fault.exists(&self.at, key).await
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.fault.list(&self.at, dir, recursive).await
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        self.fault.walk(&self.at, dir)
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        self.fault.stat(&self.at, key).await
    }

    async fn watch(&self, dir: &Dir) -> Result<BoxStream<'static, Result<Change>>> {
        self.fault.watch(&self.at, dir).await
    }

    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        self.at.inner.foreign(dir).await
    }
}
