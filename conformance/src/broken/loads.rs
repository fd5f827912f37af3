//! Faults of loads.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{Condition, Error, ErrorKind, Key, Result, Storage as _, Version, Versioned};

use super::fault::{Fault, Handle, Memory};

/// Keeps what a client has loaded three times, of what plain stores have written.
#[derive(Default)]
pub(super) struct HotCache {
    plain: Memory<(Arc<str>, Key), ()>,
    loaded: Memory<(u64, Key), (usize, Bytes)>,
}

#[async_trait]
impl Fault for HotCache {
    async fn store(&self, at: &Handle, key: &Key, value: &[u8]) -> Result<Version> {
        self.plain.open().insert((at.namespace.clone(), key.clone()), ());
        self.loaded.open().remove(&(at.id, key.clone()));
        at.inner.store(key, value).await
    }

    async fn store_if(
        &self,
        at: &Handle,
        key: &Key,
        value: &[u8],
        condition: &Condition,
    ) -> Result<Version> {
        self.plain.open().remove(&(at.namespace.clone(), key.clone()));
        at.inner.store_if(key, value, condition).await
    }

    async fn load(&self, at: &Handle, key: &Key) -> Result<Bytes> {
        if !self.plain.open().contains_key(&(at.namespace.clone(), key.clone())) {
            return at.inner.load(key).await;
        }
        let kept = self.loaded.open().get(&(at.id, key.clone())).cloned();
        if let Some((3.., kept)) = kept {
            return Ok(kept);
        }
        let value = at.inner.load(key).await?;
        let mut loaded = self.loaded.open();
        let (times, latest) = loaded.entry((at.id, key.clone())).or_default();
        *times += 1;
        latest.clone_from(&value);
        Ok(value)
    }

    async fn delete(&self, at: &Handle, key: &Key) -> Result<()> {
        self.plain.open().retain(|(_, other), ()| !other.as_str().starts_with(key.as_str()));
        at.inner.delete(key).await
    }
}

#[derive(Default)]
pub(super) struct MissingIsOther;

#[async_trait]
impl Fault for MissingIsOther {
    async fn load(&self, at: &Handle, key: &Key) -> Result<Bytes> {
        match at.inner.load(key).await {
            Err(error) if error.kind() == ErrorKind::NotFound && !at.inner.exists(key).await? => {
                Err(Error::new(ErrorKind::Other, "it did not work")
                    .with_operation("load")
                    .with_key(key)
                    .with_backend(at.inner.backend()))
            }
            loaded => loaded,
        }
    }
}

#[derive(Default)]
pub(super) struct DirectoryIsEmpty;

#[async_trait]
impl Fault for DirectoryIsEmpty {
    async fn load(&self, at: &Handle, key: &Key) -> Result<Bytes> {
        match at.inner.load(key).await {
            Err(_) if at.inner.exists(key).await? => Ok(Bytes::new()),
            loaded => loaded,
        }
    }
}

#[derive(Default)]
pub(super) struct VersionLater;

#[async_trait]
impl Fault for VersionLater {
    async fn load_versioned(&self, at: &Handle, key: &Key) -> Result<Versioned> {
        let value = at.inner.load(key).await?;
        tokio::time::sleep(Duration::from_millis(2)).await;
        let version = at.inner.load_versioned(key).await?.version;
        Ok(Versioned { value, version })
    }
}

#[derive(Default)]
pub(super) struct Reversed;

#[async_trait]
impl Fault for Reversed {
    async fn load_many(&self, at: &Handle, keys: &[&Key]) -> Vec<Result<Bytes>> {
        let mut results = at.inner.load_many(keys).await;
        results.reverse();
        results
    }
}
