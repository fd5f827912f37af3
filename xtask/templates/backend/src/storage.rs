//! The contract over the service.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::lease::LeaseLocker;
use certstore_core::{
    Capabilities, Dir, FencingToken, Key, KeyInfo, Lock, LockInfo, LockName, Locker, LockerId, Result, Storage,
    Version,
};
use futures_util::stream::{self, BoxStream, StreamExt};

use crate::config::{{Name}}Config;
use crate::error::not_written;
use crate::register::{{Name}}Register;

/// Values and locks on {{Name}}.
pub struct {{Name}}Storage {
    config: {{Name}}Config,
    locker: LeaseLocker<{{Name}}Register>,
}

impl {{Name}}Storage {
    /// A client with these settings.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`](certstore_core::ErrorKind::InvalidConfig) for a lease under 100 ms.
    pub fn open(config: {{Name}}Config) -> Result<Self> {
        // All who share the locks must have the same id: name the service here, and nothing of this process.
        let id = LockerId::new(crate::BACKEND);
        let locker = LeaseLocker::new({{Name}}Register, id, crate::BACKEND, config.lease()?);
        Ok(Self { config, locker })
    }
}

#[async_trait]
impl Storage for {{Name}}Storage {
    fn backend(&self) -> &'static str {
        crate::BACKEND
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::minimal();
        capabilities.lease = Some(self.config.lease);
        capabilities
    }

    async fn store(&self, _key: &Key, _value: &[u8]) -> Result<Version> {
        Err(not_written("store"))
    }

    async fn store_all(&self, _items: &[(&Key, &[u8])]) -> Result<()> {
        Err(not_written("store bundle"))
    }

    async fn load(&self, _key: &Key) -> Result<Bytes> {
        Err(not_written("load"))
    }

    async fn load_bundle(&self, _keys: &[&Key]) -> Result<Vec<Bytes>> {
        Err(not_written("load bundle"))
    }

    async fn delete(&self, _key: &Key) -> Result<()> {
        Err(not_written("delete"))
    }

    async fn exists(&self, _key: &Key) -> Result<bool> {
        Err(not_written("exists"))
    }

    async fn list(&self, _dir: &Dir, _recursive: bool) -> Result<Vec<Key>> {
        Err(not_written("list"))
    }

    fn walk<'a>(&'a self, _dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        stream::iter([Err(not_written("walk"))]).boxed()
    }

    async fn stat(&self, _key: &Key) -> Result<KeyInfo> {
        Err(not_written("stat"))
    }
}

#[async_trait]
impl Locker for {{Name}}Storage {
    async fn lock(&self, name: &LockName) -> Result<Lock> {
        self.locker.lock(name).await
    }

    async fn try_lock(&self, name: &LockName) -> Result<Option<Lock>> {
        self.locker.try_lock(name).await
    }

    async fn locks(&self) -> Result<Vec<LockInfo>> {
        self.locker.locks().await
    }

    async fn break_lock(&self, name: &LockName, token: FencingToken) -> Result<()> {
        self.locker.break_lock(name, token).await
    }
}

impl fmt::Debug for {{Name}}Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("{{Name}}Storage").field("config", &self.config).finish_non_exhaustive()
    }
}
