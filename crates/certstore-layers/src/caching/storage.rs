//! The contract, kept by the backing storage and the copy before it.

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Capabilities, Change, Condition, Dir, FencingToken, Key, KeyInfo, Lock, LockInfo, LockName,
    Locker, Result, Storage, Version, Versioned,
};
use futures_util::stream::BoxStream;

use super::store::CachingStore;
use super::through::{Through, Writing};

impl CachingStore {
    /// # Errors
    /// [`ErrorKind::PermissionDenied`](certstore_core::ErrorKind::PermissionDenied), with a read-only
    /// [`CacheError`](super::CacheError) as its source.
    fn may_change(&self, operation: &'static str, subject: &str) -> Result<()> {
        self.may_write(operation, subject)
            .map_err(|error| certstore_core::Error::from(error).with_backend(self.backend()))
    }

    fn through(&self) -> Option<&Through> {
        self.inner.through.as_ref()
    }

    /// A write of one value: past the copy, and then into it.
    async fn store_by(
        &self,
        key: &Key,
        value: &[u8],
        store: impl Future<Output = Result<Version>> + Send,
    ) -> Result<Version> {
        self.may_change("store", key.as_str())?;
        let Some(through) = self.through() else { return store.await };
        let writing = through.writing(key);
        let stored = store.await;
        through.outage.note(&stored);
        let version = stored?;
        writing.stored(value, Some(version.clone()), None).await;
        Ok(version)
    }

    /// A store of several values as one.
    async fn store_all_by(
        &self,
        items: &[(&Key, &[u8])],
        store: impl Future<Output = Result<()>> + Send,
    ) -> Result<()> {
        let subject = items.first().map_or("", |(key, _)| key.as_str());
        self.may_change("store", subject)?;
        let Some(through) = self.through() else { return store.await };
        let writings: Vec<Writing<'_>> =
            items.iter().map(|(key, _)| through.writing(key)).collect();
        let stored = store.await;
        through.outage.note(&stored);
        stored?;
        let set = Some(through.new_set());
        for (writing, (_, value)) in writings.into_iter().zip(items) {
            writing.stored(value, None, set).await;
        }
        Ok(())
    }

    /// A delete of one value.
    async fn delete_by(
        &self,
        key: &Key,
        delete: impl Future<Output = Result<()>> + Send,
    ) -> Result<()> {
        self.may_change("delete", key.as_str())?;
        let Some(through) = self.through() else { return delete.await };
        let writing = through.writing(key);
        let deleted = delete.await;
        through.outage.note(&deleted);
        deleted?;
        writing.deleted().await;
        Ok(())
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Locker for CachingStore {
    async fn lock(&self, name: &LockName) -> Result<Lock> {
        self.may_change("lock", name.as_str())?;
        self.inner.backing.lock(name).await
    }

    async fn try_lock(&self, name: &LockName) -> Result<Option<Lock>> {
        self.may_change("lock", name.as_str())?;
        self.inner.backing.try_lock(name).await
    }

    async fn locks(&self) -> Result<Vec<LockInfo>> {
        self.inner.backing.locks().await
    }

    async fn break_lock(&self, name: &LockName, token: FencingToken) -> Result<()> {
        self.may_change("break lock", name.as_str())?;
        self.inner.backing.break_lock(name, token).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Storage for CachingStore {
    /// The backing storage's name.
    fn backend(&self) -> &'static str {
        self.inner.backing.backend()
    }

    /// Those of the backing storage. With [`Freshness::MaxAge`](super::Freshness::MaxAge), see
    /// [`CachingStore::freshness`].
    fn capabilities(&self) -> Capabilities {
        self.inner.backing.capabilities()
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        self.store_by(key, value, self.inner.backing.store(key, value)).await
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        self.store_by(key, value, self.inner.backing.store_if(key, value, condition)).await
    }

    async fn store_fenced(&self, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        self.store_by(key, value, self.inner.backing.store_fenced(key, value, guard)).await
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        self.store_all_by(items, self.inner.backing.store_all(items)).await
    }

    async fn store_all_fenced(&self, items: &[(&Key, &[u8])], guard: &Lock) -> Result<()> {
        self.store_all_by(items, self.inner.backing.store_all_fenced(items, guard)).await
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        match self.through() {
            Some(through) => through.load(key).await,
            None => self.inner.backing.load(key).await,
        }
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        match self.through() {
            Some(through) => through.load_versioned(key).await,
            None => self.inner.backing.load_versioned(key).await,
        }
    }

    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        match self.through() {
            Some(through) => through.load_many(keys).await,
            None => self.inner.backing.load_many(keys).await,
        }
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        match self.through() {
            Some(through) => through.load_bundle(keys).await,
            None => self.inner.backing.load_bundle(keys).await,
        }
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.may_change("delete", key.as_str())?;
        let Some(through) = self.through() else { return self.inner.backing.delete(key).await };
        through.deleting(key);
        let deleted = self.inner.backing.delete(key).await;
        through.deleted(key, &deleted).await;
        deleted
    }

    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        self.delete_by(key, self.inner.backing.delete_if(key, version)).await
    }

    async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        self.delete_by(key, self.inner.backing.delete_fenced(key, guard)).await
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        match self.through() {
            Some(through) => through.exists(key).await,
            None => self.inner.backing.exists(key).await,
        }
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.inner.backing.list(dir, recursive).await
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        self.inner.backing.walk(dir)
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        match self.through() {
            Some(through) => through.stat(key).await,
            None => self.inner.backing.stat(key).await,
        }
    }

    async fn watch(&self, dir: &Dir) -> Result<BoxStream<'static, Result<Change>>> {
        self.inner.backing.watch(dir).await
    }

    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        self.inner.backing.foreign(dir).await
    }
}
