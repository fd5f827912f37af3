//! Time, injected: everything that waits or expires asks a [`Clock`].

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A future that a clock gives: done when the time has come.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The clocks of one process. Tests bring their own.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Time since an arbitrary start that goes on while the machine sleeps (`CLOCK_BOOTTIME` where there is one).
    ///
    /// Holders measure their leases with it: a laptop that slept over its lease must know that it lost the lock.
    fn boottime(&self) -> Duration;

    /// Time since an arbitrary start that never goes back; it may stand still while the machine sleeps.
    ///
    /// Waiters measure with it: standing still only makes them wait longer.
    fn monotonic(&self) -> Duration;

    /// The wall clock. For tokens and for people; never compared with another machine's.
    fn wall(&self) -> SystemTime;

    /// Whole seconds since 1970 by the wall clock, as it was some milliseconds ago at most; zero before. It costs less
    /// than [`wall`](Self::wall), for what asks very often.
    fn unix_seconds(&self) -> u64 {
        self.wall().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    /// Completes once `duration` has gone by on [`monotonic`](Self::monotonic).
    fn sleep(&self, duration: Duration) -> Sleep;
}

/// The machine's own clocks, with tokio's timer.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Clock for SystemClock {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn boottime(&self) -> Duration {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        // CLOCK_BOOTTIME starts at zero when the machine starts, so neither part is ever negative.
        Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
    }

    /// `Instant` counts sleep on Windows; on macOS it does not, so there a machine that sleeps while it holds a lock
    /// learns of the loss only from its next renewal.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn boottime(&self) -> Duration {
        START.elapsed()
    }

    fn monotonic(&self) -> Duration {
        START.elapsed()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn unix_seconds(&self) -> u64 {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
        u64::try_from(now.tv_sec).unwrap_or(0)
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}

#[cfg(test)]
#[path = "clock_tests.rs"]
mod tests;
