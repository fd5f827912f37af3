//! Faults with keys.

use async_trait::async_trait;
use certstore_core::{Dir, Error, ErrorKind, Key, Result, Storage as _, Version};

use super::fault::{Fault, Handle};

#[derive(Default)]
pub(super) struct FoldsCase;

#[async_trait]
impl Fault for FoldsCase {
    async fn store(&self, at: &Handle, key: &Key, value: &[u8]) -> Result<Version> {
        at.inner.store(&Key::new(&key.as_str().to_ascii_lowercase())?, value).await
    }
}

#[derive(Default)]
pub(super) struct ExistsByPrefix;

#[async_trait]
impl Fault for ExistsByPrefix {
    async fn exists(&self, at: &Handle, key: &Key) -> Result<bool> {
        let all = at.inner.list(&Dir::ROOT, true).await?;
        Ok(all.iter().any(|other| other.as_str().starts_with(key.as_str())))
    }
}

#[derive(Default)]
pub(super) struct HidesLocks;

#[async_trait]
impl Fault for HidesLocks {
    async fn list(&self, at: &Handle, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        let mut keys = at.inner.list(dir, recursive).await?;
        keys.retain(|key| key.components().all(|component| component != "locks"));
        Ok(keys)
    }
}

#[derive(Default)]
pub(super) struct SwallowsConflicts;

#[async_trait]
impl Fault for SwallowsConflicts {
    async fn store(&self, at: &Handle, key: &Key, value: &[u8]) -> Result<Version> {
        match at.inner.store(key, value).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(Version::new("never written")),
            stored => stored,
        }
    }
}

#[derive(Default)]
pub(super) struct ShortKeys;

#[async_trait]
impl Fault for ShortKeys {
    async fn store(&self, at: &Handle, key: &Key, value: &[u8]) -> Result<Version> {
        if key.as_str().len() > 500 {
            return Err(Error::new(ErrorKind::Other, "the store did not work"));
        }
        at.inner.store(key, value).await
    }
}
