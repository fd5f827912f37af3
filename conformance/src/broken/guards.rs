//! Guards that are not what they seem.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use certstore_core::{
    Clock, FencingToken, Lock, LostReason, Release, Result, Sleep, Standing, Validity,
};
use tokio::runtime::Handle;

/// The same lock with another token, validity or release.
pub(super) fn rewrapped(
    inner: Lock,
    token: FencingToken,
    validity: Validity,
    release: impl FnOnce(Lock) -> Box<dyn Release>,
) -> Lock {
    let (name, locker) = (inner.name().clone(), inner.locker_id().clone());
    Lock::new(name, token, locker, validity, release(inner))
}

/// Releases the lock below.
pub(super) struct Through(pub(super) Lock);

#[async_trait]
impl Release for Through {
    async fn release(self: Box<Self>) -> Result<()> {
        self.0.unlock().await
    }
}

const DEADLINE: Duration = Duration::from_secs(10);

/// A validity that follows another one, seen through a filter. Lost means that its deadline has come.
pub(super) fn followed(inner: &Lock, follow: Follow) -> (Validity, Arc<Gone>) {
    let gone = Arc::new(Gone::default());
    let clock = FollowClock { inner: inner.validity().clone(), follow, gone: gone.clone() };
    (Validity::lease(Arc::new(clock), DEADLINE), gone)
}

/// What of the other validity is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follow {
    /// Everything.
    All,
    /// The deadline only.
    DeadlineOnly,
    /// Everything when asked, but no signal of the deadline.
    NoDeadlineSignal,
}

/// Where the guard of a validity ended.
#[derive(Debug, Default)]
pub(super) struct Gone {
    inside: AtomicBool,
    outside: AtomicBool,
}

impl Gone {
    pub(super) fn anywhere(&self) -> bool {
        self.inside.load(Ordering::SeqCst) || self.outside()
    }

    pub(super) fn outside(&self) -> bool {
        self.outside.load(Ordering::SeqCst)
    }
}

/// Stands still while the other validity holds, and is past the deadline once that is lost.
struct FollowClock {
    inner: Validity,
    follow: Follow,
    gone: Arc<Gone>,
}

impl Clock for FollowClock {
    fn boottime(&self) -> Duration {
        let lost = match self.inner.standing() {
            Standing::Lost(reason) => {
                self.follow != Follow::DeadlineOnly || reason == LostReason::Deadline
            }
            _ => false,
        };
        if lost { DEADLINE * 2 } else { Duration::ZERO }
    }

    fn monotonic(&self) -> Duration {
        self.boottime()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, _: Duration) -> Sleep {
        let (inner, follow) = (self.inner.clone(), self.follow);
        Box::pin(async move {
            let deadline = inner.lost().await == LostReason::Deadline;
            let signalled = match follow {
                Follow::All => true,
                Follow::DeadlineOnly => deadline,
                Follow::NoDeadlineSignal => !deadline,
            };
            if !signalled {
                std::future::pending::<()>().await;
            }
        })
    }
}

impl Drop for FollowClock {
    /// The clock ends with the guard, on the thread that drops it.
    fn drop(&mut self) {
        let inside = Handle::try_current().is_ok();
        let flag = if inside { &self.gone.inside } else { &self.gone.outside };
        flag.store(true, Ordering::SeqCst);
    }
}

impl fmt::Debug for FollowClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FollowClock").field("follow", &self.follow).finish_non_exhaustive()
    }
}
