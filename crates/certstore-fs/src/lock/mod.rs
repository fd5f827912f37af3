//! Locks on files: a kernel lock on a guard file among certstore processes, CertMagic's lock file towards Go.

mod acquire;
mod body;
mod breaking;
mod dir;
mod guard_file;
mod held;
mod id;
#[cfg(test)]
mod manual_clock;
mod names;
mod peer_file;
mod refresh;
mod shared;
mod survey;
mod sweep;
mod takeover;
mod wake;

use std::sync::Arc;

use async_trait::async_trait;
use certstore_core::{
    Clock, Error, FencingToken, Lock, LockInfo, LockName, Locker, LockerId, Random, Result,
};

use self::acquire::{Attempt, Mode};
use self::dir::LocksDir;
use self::names::Names;
use self::shared::Shared;
use crate::config::FsConfig;
use crate::error::{BACKEND, io_error};
use crate::root::Root;

/// The locks of one directory.
///
/// Among certstore processes there are no leases: a lock is held until it is given back or its process ends. Towards Go
/// processes it is a lease of ten seconds, which a task of each guard renews every five.
#[derive(Debug)]
pub(crate) struct FsLocker {
    shared: Arc<Shared>,
}

impl FsLocker {
    /// The locks beneath `root`. Nothing is opened yet.
    pub(crate) fn new(
        root: Arc<Root>,
        _config: &FsConfig,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { shared: Arc::new(Shared::new(root, clock, random)) }
    }

    /// The newest token of a lock; `None` when it was never held.
    pub(crate) fn newest_token(&self, name: &LockName) -> Result<Option<FencingToken>> {
        survey::newest_token(&self.shared, &Names::of(name))
            .map_err(|error| named(error, "read the newest token of", name))
    }

    /// What stands for `name` among the stripes of tokens: the same for all names of one lock.
    pub(crate) fn stripe_name(name: &LockName) -> String {
        Names::of(name).stem
    }

    /// The identity of these locks, kept in the directory.
    pub(crate) fn id(&self) -> Result<LockerId> {
        LocksDir::open(&self.shared.root)
            .map_err(io_error)
            .and_then(|dir| id::of(&self.shared, &dir))
            .map_err(|error| {
                error.with_operation("read the identity of the locks").with_backend(BACKEND)
            })
    }
}

#[async_trait]
impl Locker for FsLocker {
    async fn lock(&self, name: &LockName) -> Result<Lock> {
        let attempt = async {
            let names = Names::of(name);
            loop {
                let turn = self.shared.queue.enter(&names.stem).await;
                let shared = self.shared.clone();
                if let Some(lock) =
                    Attempt::run(shared, name, names.clone(), turn, Mode::Wait).await?
                {
                    return Ok(lock);
                }
            }
        };
        attempt.await.map_err(|error| named(error, "lock", name))
    }

    async fn try_lock(&self, name: &LockName) -> Result<Option<Lock>> {
        let attempt = async {
            let names = Names::of(name);
            let Some(turn) = self.shared.queue.try_enter(&names.stem) else { return Ok(None) };
            Attempt::run(self.shared.clone(), name, names, turn, Mode::Try).await
        };
        attempt.await.map_err(|error| named(error, "lock", name))
    }

    async fn locks(&self) -> Result<Vec<LockInfo>> {
        survey::locks(&self.shared)
            .map_err(|error| error.with_operation("list the locks").with_backend(BACKEND))
    }

    async fn break_lock(&self, name: &LockName, token: FencingToken) -> Result<()> {
        let broken = async { breaking::break_lock(&self.shared, &Names::of(name), token).await };
        broken.await.map_err(|error| named(error, "break", name))
    }
}

fn named(error: Error, operation: &'static str, name: &LockName) -> Error {
    error.with_operation(operation).with_lock(name).with_backend(BACKEND)
}
