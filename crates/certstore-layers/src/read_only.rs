//! A storage that nobody writes to.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Capabilities, Cas, Change, Condition, Dir, Error, ErrorKind, Fence, FencingToken, Key, KeyInfo,
    Lock, LockInfo, LockName, Locker, Result, Storage, Version, Versioned,
};
use futures_util::stream::BoxStream;

/// Another storage, to read only: every call that writes or locks fails before any I/O.
///
/// A store, a delete, a lock and the breaking of one are [`ErrorKind::PermissionDenied`]. Conditional and fenced writes are
/// [`ErrorKind::Unsupported`], as [`capabilities`](Storage::capabilities) declare them. Who holds which lock is shown.
///
/// ```
/// use std::sync::Arc;
/// use certstore_core::{ErrorKind, MemoryStorage, Storage};
/// use certstore_layers::read_only::ReadOnlyStorage;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
/// let inside = Arc::new(MemoryStorage::new());
/// inside.store(&"a".parse()?, b"value").await?;
/// let storage = ReadOnlyStorage::new(inside);
/// assert_eq!(storage.load(&"a".parse()?).await?.as_ref(), b"value");
/// let refused = storage.delete(&"a".parse()?).await.unwrap_err();
/// assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct ReadOnlyStorage {
    inner: Arc<dyn Storage>,
}

impl ReadOnlyStorage {
    /// Reads from `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Storage>) -> Self {
        Self { inner }
    }

    fn denied(&self, operation: &'static str, subject: &str) -> Error {
        Error::new(ErrorKind::PermissionDenied, DENIED)
            .with_operation(operation)
            .with_subject(subject)
            .with_backend(self.backend())
    }

    fn lock_denied(&self, operation: &'static str, name: &LockName) -> Error {
        Error::new(ErrorKind::PermissionDenied, DENIED)
            .with_operation(operation)
            .with_lock(name)
            .with_backend(self.backend())
    }

    fn unsupported(&self, operation: &'static str, subject: &str) -> Error {
        Error::unsupported(DENIED)
            .with_operation(operation)
            .with_subject(subject)
            .with_backend(self.backend())
    }
}

/// The first key, by which errors name a bundle.
fn first<'a>(items: &[(&'a Key, &[u8])]) -> &'a str {
    items.first().map_or("", |(key, _)| key.as_str())
}

const DENIED: &str =
    "the storage was opened to read only; write where it is opened without read_only";

impl fmt::Debug for ReadOnlyStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadOnlyStorage").field("inner", &self.inner.backend()).finish()
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Locker for ReadOnlyStorage {
    async fn lock(&self, name: &LockName) -> Result<Lock> {
        Err(self.lock_denied("lock", name))
    }

    async fn try_lock(&self, name: &LockName) -> Result<Option<Lock>> {
        Err(self.lock_denied("lock", name))
    }

    async fn locks(&self) -> Result<Vec<LockInfo>> {
        self.inner.locks().await
    }

    async fn break_lock(&self, name: &LockName, _: FencingToken) -> Result<()> {
        Err(self.lock_denied("break lock", name))
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Storage for ReadOnlyStorage {
    fn backend(&self) -> &'static str {
        self.inner.backend()
    }

    /// Those of the storage inside, without conditional and fenced writes.
    fn capabilities(&self) -> Capabilities {
        let mut own = self.inner.capabilities();
        own.cas = Cas::None;
        own.fence = Fence::None;
        own
    }

    async fn store(&self, key: &Key, _: &[u8]) -> Result<Version> {
        Err(self.denied("store", key.as_str()))
    }

    async fn store_if(&self, key: &Key, _: &[u8], _: &Condition) -> Result<Version> {
        Err(self.unsupported("conditional store", key.as_str()))
    }

    async fn store_fenced(&self, key: &Key, _: &[u8], _: &Lock) -> Result<Version> {
        Err(self.unsupported("fenced store", key.as_str()))
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        Err(self.denied("store", first(items)))
    }

    async fn store_all_fenced(&self, items: &[(&Key, &[u8])], _: &Lock) -> Result<()> {
        Err(self.unsupported("fenced bundle", first(items)))
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.inner.load(key).await
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        self.inner.load_versioned(key).await
    }

    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        self.inner.load_many(keys).await
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        self.inner.load_bundle(keys).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        Err(self.denied("delete", key.as_str()))
    }

    async fn delete_if(&self, key: &Key, _: &Version) -> Result<()> {
        Err(self.unsupported("conditional delete", key.as_str()))
    }

    async fn delete_fenced(&self, key: &Key, _: &Lock) -> Result<()> {
        Err(self.unsupported("fenced delete", key.as_str()))
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        self.inner.exists(key).await
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.inner.list(dir, recursive).await
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        self.inner.walk(dir)
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        self.inner.stat(key).await
    }

    async fn watch(&self, dir: &Dir) -> Result<BoxStream<'static, Result<Change>>> {
        self.inner.watch(dir).await
    }

    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        self.inner.foreign(dir).await
    }
}

#[cfg(test)]
#[path = "read_only_tests.rs"]
mod tests;
