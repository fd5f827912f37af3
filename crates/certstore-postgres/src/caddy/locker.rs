//! The locker: leases by the register, and what an operator sees of Caddy's.

use std::sync::Arc;

use async_trait::async_trait;
use certstore_core::lease::{LeaseConfig, LeaseLocker};
use certstore_core::{
    Error, ErrorKind, FencingToken, Lock, LockInfo, LockName, Locker, LockerId, Result,
};

use super::lock_row::{Holding, LockRow};
use super::register::CaddyRegister;
use super::shared::Shared;
use crate::error::BACKEND;

/// The longest name that the column holds, in characters.
const MAX_NAME: usize = 255;

/// The locks of one opened storage.
#[derive(Debug, Clone)]
pub(super) struct CaddyLocker {
    leases: LeaseLocker<CaddyRegister>,
    register: Arc<CaddyRegister>,
}

impl CaddyLocker {
    pub(super) fn new(shared: Shared, id: LockerId, lease: LeaseConfig) -> Self {
        let register = CaddyRegister(shared);
        let leases = LeaseLocker::new(register.clone(), id, BACKEND, lease);
        Self { leases, register: Arc::new(register) }
    }

    /// Frees the lock of a Caddy node, which has no token: 0 stands for it.
    async fn break_peers(&self, name: &LockName, row: &LockRow, token: FencingToken) -> Result<()> {
        if token != FencingToken(0) {
            return Err(Error::new(
                ErrorKind::Conflict,
                "a Caddy node holds the lock, without a token; when it is dead, break it by token 0",
            ));
        }
        if self.register.free(name.as_str(), &row.version).await? {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Conflict,
            "the Caddy node that holds the lock has just renewed or released it; it is alive",
        ))
    }
}

#[async_trait]
impl Locker for CaddyLocker {
    async fn lock(&self, name: &LockName) -> Result<Lock> {
        check_name(name, "lock")?;
        self.leases.lock(name).await
    }

    async fn try_lock(&self, name: &LockName) -> Result<Option<Lock>> {
        check_name(name, "try lock")?;
        self.leases.try_lock(name).await
    }

    async fn locks(&self) -> Result<Vec<LockInfo>> {
        let named = |error: Error| error.with_operation("list the locks").with_backend(BACKEND);
        let held = self.register.held().await.map_err(named)?;
        let mut locks =
            held.into_iter().map(|(name, row)| info(&name, row)).collect::<Result<Vec<_>>>()?;
        locks.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(locks)
    }

    async fn break_lock(&self, name: &LockName, token: FencingToken) -> Result<()> {
        let named =
            |error: Error| error.with_operation("break lock").with_lock(name).with_backend(BACKEND);
        check_name(name, "break lock")?;
        match self.register.row(name.as_str()).await.map_err(named)? {
            Some(row) if matches!(row.holding(), Holding::Peer(_)) => {
                self.break_peers(name, &row, token).await.map_err(named)
            }
            _ => self.leases.break_lock(name, token).await,
        }
    }
}

fn check_name(name: &LockName, operation: &'static str) -> Result<()> {
    let length = name.as_str().chars().count();
    if length <= MAX_NAME {
        return Ok(());
    }
    let message = format!(
        "Caddy's table has room for lock names of {MAX_NAME} characters, this one has {length}"
    );
    Err(Error::new(ErrorKind::InvalidKey, message)
        .with_operation(operation)
        .with_lock(name)
        .with_backend(BACKEND))
}

fn info(name: &str, row: LockRow) -> Result<LockInfo> {
    let mut info = LockInfo::new(name);
    match row.holding() {
        Holding::Peer(owner) => info.holder = Some(format!("Caddy {owner}")),
        _ => {
            let record = row.stored(name)?.record;
            info.token = Some(FencingToken(record.token));
            info.holder = Some(record.holder.name);
            info.since = Some(record.holder.created);
            info.renewed = Some(record.holder.updated);
        }
    }
    Ok(info)
}
