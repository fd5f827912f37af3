//! Locks, in one of the two ways that there are.

use std::sync::Arc;

use async_trait::async_trait;
use certstore_core::lease::{LeaseConfig, LeaseLocker};
use certstore_core::{Error, FencingToken, Lock, LockInfo, LockName, Locker, LockerId, Result};

use crate::bucket::Bucket;
use crate::config::{LockMode, OssConfig};
use crate::error::BACKEND;
use crate::names::Names;
use crate::peer::PeerRegister;
use crate::proof::Proof;
use crate::register::LogRegister;

/// The locks under one prefix.
pub(crate) struct OssLocker {
    way: Way,
    names: Names,
    proof: Arc<Proof>,
}

enum Way {
    Append(LeaseLocker<LogRegister>),
    CertmagicOss(LeaseLocker<PeerRegister>),
}

impl OssLocker {
    pub(crate) fn new(
        bucket: Arc<Bucket>,
        names: Names,
        proof: Arc<Proof>,
        config: &OssConfig,
    ) -> Result<Self> {
        let lease = LeaseConfig::new(config.lease())?.with_handovers(config.handovers);
        // Not the endpoint: processes may reach one bucket by several, and must agree on this id.
        let place = format!("{}/{}", config.bucket, config.base());
        let way = match config.lock_mode {
            LockMode::Append => {
                let lease = lease.with_poll(config.poll_min, config.poll_max);
                let register = LogRegister::new(bucket, names.clone(), config.rotate_at);
                let id = LockerId::new(format!("oss:{place}"));
                Way::Append(LeaseLocker::new(register, id, BACKEND, lease))
            }
            LockMode::CertmagicOss => {
                tracing::warn!(
                    bucket = config.bucket,
                    "lock_mode certmagic-oss is as weak as what it is shared with: after a pause or a slow request two can \
                     hold a lock, and no token tells them apart; use lock_mode append once no Caddy node shares the locks"
                );
                let lease = lease.with_poll(config.lock_poll_interval, config.lock_poll_interval);
                let register = PeerRegister::new(bucket, names.clone(), config.lock_expiration);
                let id = LockerId::new(format!("oss-certmagic:{place}"));
                Way::CertmagicOss(LeaseLocker::new(register, id, BACKEND, lease))
            }
        };
        Ok(Self { way, names, proof })
    }

    pub(crate) fn proof(&self) -> &Arc<Proof> {
        &self.proof
    }

    fn locker(&self) -> &dyn Locker {
        match &self.way {
            Way::Append(locker) => locker,
            Way::CertmagicOss(locker) => locker,
        }
    }

    /// Whether the store can hold this lock.
    async fn can_lock(&self, operation: &'static str, name: &LockName) -> Result<()> {
        let able = match &self.way {
            Way::Append(_) => self.proof.require(&self.names).await,
            Way::CertmagicOss(_) => self.names.peer_lock(name.as_str()).map(drop),
        };
        able.map_err(|error: Error| {
            error.with_operation(operation).with_lock(name).with_backend(BACKEND)
        })
    }
}

#[async_trait]
impl Locker for OssLocker {
    async fn lock(&self, name: &LockName) -> Result<Lock> {
        self.can_lock("lock", name).await?;
        self.locker().lock(name).await
    }

    async fn try_lock(&self, name: &LockName) -> Result<Option<Lock>> {
        self.can_lock("try lock", name).await?;
        self.locker().try_lock(name).await
    }

    async fn locks(&self) -> Result<Vec<LockInfo>> {
        self.locker().locks().await
    }

    async fn break_lock(&self, name: &LockName, token: FencingToken) -> Result<()> {
        self.can_lock("break lock", name).await?;
        self.locker().break_lock(name, token).await
    }
}
