//! The guard of a lock that is held.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Handle;

use crate::{Error, ErrorKind, LockName, LostReason, Result, Standing, Validity};

/// A number that grows with every holder of a lock: a write that carries an older one than the last is refused.
///
/// It is at least the number of microseconds since 1970 at the acquisition, so it grows even when the lock's record
/// was lost or the lock moved to another service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FencingToken(pub u64);

impl fmt::Display for FencingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Which lock service a guard comes from. Tokens of one lock name compare only within one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LockerId(Arc<str>);

impl LockerId {
    /// An id as the backend writes it: the same for all processes that share the locks.
    #[must_use]
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for LockerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LockerId({})", self.0)
    }
}

/// How a backend gives a lock back.
#[async_trait]
pub trait Release: Send + Sync {
    /// Gives the lock back. Runs in a task of its own, so it is never cancelled while the runtime lives.
    ///
    /// # Errors
    /// [`ErrorKind::LockLost`] when it was not held any more; then nothing of the new holder is touched.
    ///
    /// # Cancel safety
    /// Never cancelled.
    async fn release(self: Box<Self>) -> Result<()>;
}

/// A lock that is held. Ends with [`unlock`](Self::unlock), or in the background when dropped.
///
/// Before every effect that the lock protects, call [`check`](Self::check): a process that was paused sees nothing of
/// the time that went by. A check followed by a write can still be overtaken; a
/// [fenced write](crate::Storage::store_fenced) cannot.
///
/// ```
/// use certstore_core::{LockName, Locker, MemoryStorage};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
/// let storage = MemoryStorage::new();
/// let lock = storage.lock(&"issue_cert_example.com".parse()?).await?;
/// lock.check()?;
/// lock.unlock().await?;
/// # Ok(()) }
/// ```
#[must_use = "a lock that is dropped is released"]
pub struct Lock {
    name: LockName,
    token: FencingToken,
    locker: LockerId,
    validity: Validity,
    release: Option<Box<dyn Release>>,
    runtime: Handle,
}

impl Lock {
    /// A guard, for backends. Must be called inside a tokio runtime: the release runs there.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn new(
        name: LockName,
        token: FencingToken,
        locker: LockerId,
        validity: Validity,
        release: Box<dyn Release>,
    ) -> Self {
        Self { name, token, locker, validity, release: Some(release), runtime: Handle::current() }
    }

    /// Another guard of the same lock and holder, which gives nothing back, [`unlock`](Self::unlock) included: for storages
    /// that hand their caller's guard on, to an inner storage or another thread.
    pub fn shared(&self) -> Self {
        Self {
            name: self.name.clone(),
            token: self.token,
            locker: self.locker.clone(),
            validity: self.validity.clone(),
            release: None,
            runtime: self.runtime.clone(),
        }
    }

    /// The same guard under the name by which an inner storage knows its lock.
    pub fn with_name(mut self, name: LockName) -> Self {
        self.name = name;
        self
    }

    /// The name it was asked for by.
    #[must_use]
    pub fn name(&self) -> &LockName {
        &self.name
    }

    /// Grows with every holder of this name.
    #[must_use]
    pub fn token(&self) -> FencingToken {
        self.token
    }

    /// The lock service it comes from.
    #[must_use]
    pub fn locker_id(&self) -> &LockerId {
        &self.locker
    }

    /// Whether it is held at this moment, by the clocks alone: no I/O.
    ///
    /// # Errors
    /// [`ErrorKind::LockLost`]: for good; stop. [`ErrorKind::Unavailable`] (files shared with Go only): the last proof
    /// of possession is too old; try again shortly.
    pub fn check(&self) -> Result<()> {
        match self.validity.standing() {
            Standing::Held => Ok(()),
            Standing::Lost(reason) => Err(self.lost_error(reason)),
            Standing::Unproven => Err(Error::new(
                ErrorKind::Unavailable,
                "the last proof that the lock is still held is too old; check again shortly",
            )
            .with_operation("check lock")
            .with_lock(&self.name)),
        }
    }

    /// The time left until the guard's own deadline, which renewals move on; `None` when it has none.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.validity.remaining()
    }

    /// What the guard shares with whoever renews it: outlives the guard, for watching.
    #[must_use]
    pub fn validity(&self) -> &Validity {
        &self.validity
    }

    /// Completes when the lock is lost, at the deadline of the holder's own clock at the latest: before anyone else can
    /// hold it. One-way. The future is independent of the guard.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub fn lost(&self) -> impl Future<Output = LostReason> + Send + 'static {
        let validity = self.validity.clone();
        async move { validity.lost().await }
    }

    /// Completes when less than `margin` is left before the deadline: time to end the work cleanly.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub fn expiring(&self, margin: Duration) -> impl Future<Output = ()> + Send + 'static {
        let validity = self.validity.clone();
        async move { validity.expiring(margin).await }
    }

    /// Gives the lock back and waits until the backend has said so.
    ///
    /// * **\[UNLOCK-1\]** After it returned `Ok`, the next holder can have the lock.
    /// * **\[UNLOCK-2\]** Unlocking what was lost is [`ErrorKind::LockLost`], and never frees another holder's lock.
    /// * **\[UNLOCK-3\]** It works although the caller's task is being cancelled: the release goes on in the background.
    ///
    /// # Errors
    /// [`ErrorKind::LockLost`]: it was not held any more. [`ErrorKind::Unavailable`]: the backend did not answer; the
    /// lock frees itself within one lease.
    ///
    /// # Cancel safety
    /// Once polled, the release goes on to its end; dropped unpolled, the guard is dropped, which releases too.
    pub async fn unlock(mut self) -> Result<()> {
        let Some(release) = self.release.take() else { return Ok(()) };
        let (name, runtime) = (self.name.clone(), self.runtime.clone());
        let task = runtime.spawn(release.release());
        let ended = task.await.unwrap_or_else(|stopped| {
            Err(Error::new(ErrorKind::Unavailable, "the release was stopped with its runtime")
                .with_source(stopped))
        });
        ended.map_err(|error| error.with_operation("unlock").with_lock(&name))
    }

    fn lost_error(&self, reason: LostReason) -> Error {
        Error::new(
            ErrorKind::LockLost,
            format!("the lock is lost: {reason}; stop what it protected"),
        )
        .with_operation("check lock")
        .with_lock(&self.name)
    }
}

impl Drop for Lock {
    /// Releases in the background; when the runtime is gone, the lock frees itself within one lease.
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            let name = self.name.clone();
            self.runtime.spawn(async move {
                if let Err(error) = release.release().await {
                    tracing::warn!(lock = %name, %error, "a dropped lock could not be released");
                }
            });
        }
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock")
            .field("name", &self.name)
            .field("token", &self.token)
            .field("validity", &self.validity)
            .finish_non_exhaustive()
    }
}
