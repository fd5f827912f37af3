//! The contract, call by call.

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Batch, Capabilities, Cas, Change, Condition, Dir, Durability, Error, Fence, Key, KeyInfo,
    Listing, Lock, Result, Shared, Storage, Tree, Version, VersionKind, Versioned,
};
use futures_util::stream::BoxStream;

use super::write::{MAX_VALUE, condition_text};
use super::{TreeStorage, on};
use crate::error::BACKEND;

#[async_trait]
impl Storage for TreeStorage {
    fn backend(&self) -> &'static str {
        BACKEND
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::minimal();
        capabilities.cas = Cas::Full;
        capabilities.version = VersionKind::Counter;
        capabilities.fence = Fence::Strict;
        capabilities.list = Listing::Immediate;
        capabilities.durability = Durability::Acknowledged;
        capabilities.shared = Shared::Network;
        capabilities.batch = Batch::Atomic;
        capabilities.tree = Tree::Exclusive;
        capabilities.lease = Some(self.lease);
        capabilities.watch = !self.changes.is_empty();
        capabilities.max_value = Some(MAX_VALUE);
        capabilities
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        self.overwrite(key, value).await.map_err(on("store", key))
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        let condition = condition_text(condition).map_err(on("store", key))?;
        self.put(key, value, &condition, None).await.map_err(on("store", key))
    }

    async fn store_fenced(&self, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        self.put(key, value, "any", Some(guard)).await.map_err(on("store", key))
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        self.put_all(items, None)
            .await
            .map_err(|error| bundle_error(error, "store bundle", items.first()))
    }

    async fn store_all_fenced(&self, items: &[(&Key, &[u8])], guard: &Lock) -> Result<()> {
        self.put_all(items, Some(guard))
            .await
            .map_err(|error| bundle_error(error, "store bundle", items.first()))
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.versioned(key).await.map(|found| found.value).map_err(on("load", key))
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        self.versioned(key).await.map_err(on("load", key))
    }

    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        match self.values(keys).await {
            Ok(found) => {
                let found = found.into_iter().zip(keys);
                found.map(|(value, key)| value.map_err(on("load", key))).collect()
            }
            Err(error) => keys.iter().map(|key| Err(on("load", key)(again(&error)))).collect(),
        }
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        let first = keys.first().map(|key| (*key, ()));
        self.bundle(keys).await.map_err(|error| bundle_error(error, "load bundle", first.as_ref()))
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.remove(key).await.map_err(on("delete", key))
    }

    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        let condition = format!("={}", version.as_str());
        self.remove_value(key, &condition, None).await.map_err(on("delete", key))
    }

    async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        self.remove_value(key, "any", Some(guard)).await.map_err(on("delete", key))
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        self.is_there(key).await.map_err(on("look for", key))
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.keys_in(dir, recursive).await.map_err(|error| on_dir(error, "list", dir))
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        self.walk_below(dir)
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        self.stated(key).await.map_err(on("stat", key))
    }

    async fn watch(&self, dir: &Dir) -> Result<BoxStream<'static, Result<Change>>> {
        self.changes_below(dir).await.map_err(|error| on_dir(error, "watch", dir))
    }

    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        self.foreign_below(dir).await.map_err(|error| on_dir(error, "list", dir))
    }
}

certstore_core::forward_locker!(TreeStorage => locker);

fn on_dir(error: Error, operation: &'static str, dir: &Dir) -> Error {
    error.with_operation(operation).with_subject(dir.as_str()).with_backend(BACKEND)
}

/// Names a bundle by its directory.
fn bundle_error<T>(error: Error, operation: &'static str, first: Option<&(&Key, T)>) -> Error {
    let error = error.with_operation(operation).with_backend(BACKEND);
    match first {
        Some((key, _)) => error.with_subject(key.parent().as_str()),
        None => error,
    }
}

/// One failure, told for each key.
fn again(error: &Error) -> Error {
    Error::new(error.kind(), error.message().to_owned())
}
