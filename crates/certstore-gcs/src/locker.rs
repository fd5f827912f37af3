//! Locks: leases over the register, on servers that keep their word.

use async_trait::async_trait;
use certstore_core::{Error, FencingToken, Lock, LockInfo, LockName, Locker, Result};

use crate::error::BACKEND;
use crate::storage::GcsStorage;

impl GcsStorage {
    async fn can_lock(&self, operation: &'static str, name: &LockName) -> Result<()> {
        let named =
            |error: Error| error.with_operation(operation).with_lock(name).with_backend(BACKEND);
        self.inner().require_conditions().await.map_err(named)
    }
}

#[async_trait]
impl Locker for GcsStorage {
    async fn lock(&self, name: &LockName) -> Result<Lock> {
        self.can_lock("lock", name).await?;
        self.inner().locker.lock(name).await
    }

    async fn try_lock(&self, name: &LockName) -> Result<Option<Lock>> {
        self.can_lock("try lock", name).await?;
        self.inner().locker.try_lock(name).await
    }

    async fn locks(&self) -> Result<Vec<LockInfo>> {
        self.inner().locker.locks().await
    }

    async fn break_lock(&self, name: &LockName, token: FencingToken) -> Result<()> {
        self.can_lock("break lock", name).await?;
        self.inner().locker.break_lock(name, token).await
    }
}
