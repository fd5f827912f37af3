//! Faults of deletes.

use std::sync::Arc;

use async_trait::async_trait;
use certstore_core::{Dir, Error, ErrorKind, Key, Result, Storage as _, Version};

use super::fault::{Fault, Handle, Memory};

#[derive(Default)]
pub(super) struct KeepsTopLevel;

#[async_trait]
impl Fault for KeepsTopLevel {
    async fn delete(&self, at: &Handle, key: &Key) -> Result<()> {
        if key.parent().is_root() && at.inner.load(key).await.is_ok() {
            return Ok(());
        }
        at.inner.delete(key).await
    }
}

#[derive(Default)]
pub(super) struct MissingFails;

#[async_trait]
impl Fault for MissingFails {
    async fn delete(&self, at: &Handle, key: &Key) -> Result<()> {
        if !at.inner.exists(key).await? {
            return Err(Error::not_found().with_operation("delete").with_key(key));
        }
        at.inner.delete(key).await
    }
}

#[derive(Default)]
pub(super) struct OneLevel;

#[async_trait]
impl Fault for OneLevel {
    async fn delete(&self, at: &Handle, key: &Key) -> Result<()> {
        if !at.inner.exists(key).await? || at.inner.load(key).await.is_ok() {
            return at.inner.delete(key).await;
        }
        for child in at.inner.list(&Dir::from(key), false).await? {
            if at.inner.load(&child).await.is_ok() {
                at.inner.delete(&child).await?;
            }
        }
        Ok(())
    }
}

#[derive(Default)]
pub(super) struct ByText;

#[async_trait]
impl Fault for ByText {
    async fn delete(&self, at: &Handle, key: &Key) -> Result<()> {
        for other in at.inner.list(&Dir::ROOT, true).await? {
            if other.as_str().starts_with(key.as_str()) {
                at.inner.delete(&other).await?;
            }
        }
        Ok(())
    }
}

#[derive(Default)]
pub(super) struct GhostDirectories(Memory<(Arc<str>, Key), ()>);

#[async_trait]
impl Fault for GhostDirectories {
    async fn delete(&self, at: &Handle, key: &Key) -> Result<()> {
        if let (true, Some(parent)) = (at.inner.load(key).await.is_ok(), key.parent().key()) {
            self.0.open().insert((at.namespace.clone(), parent.clone()), ());
        }
        at.inner.delete(key).await
    }

    async fn exists(&self, at: &Handle, key: &Key) -> Result<bool> {
        let ghost = self.0.open().contains_key(&(at.namespace.clone(), key.clone()));
        Ok(ghost || at.inner.exists(key).await?)
    }
}

#[derive(Default)]
pub(super) struct IfKeeps;

#[async_trait]
impl Fault for IfKeeps {
    async fn delete_if(&self, at: &Handle, key: &Key, version: &Version) -> Result<()> {
        let current = at.inner.load_versioned(key).await.ok().map(|found| found.version);
        if current.as_ref() == Some(version) {
            return Ok(());
        }
        at.inner.delete_if(key, version).await
    }
}

#[derive(Default)]
pub(super) struct IfAlways;

#[async_trait]
impl Fault for IfAlways {
    async fn delete_if(&self, at: &Handle, key: &Key, version: &Version) -> Result<()> {
        match at.inner.delete_if(key, version).await {
            Err(error) if error.kind() == ErrorKind::Conflict => at.inner.delete(key).await,
            deleted => deleted,
        }
    }
}
