//! Where a write runs: in the caller's thread while the disk is quick, else in a thread of tokio's pool.
//!
//! Handing work to another thread and back costs two wake-ups, some 50 us. On a disk that flushes in 0.3 ms that is much of
//! a store; blocking the caller's thread for so short a time is what any computation does. On a slow disk the wake-ups do
//! not matter, and the thread must not be blocked.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A write that takes longer is too long for a thread that other tasks need.
const QUICK: Duration = Duration::from_millis(1);

/// How long writes have taken lately: a mean in which the last eight count most.
#[derive(Debug)]
pub(crate) struct Pace(AtomicU64);

impl Default for Pace {
    /// Slow, until writes have shown otherwise.
    fn default() -> Self {
        Self(AtomicU64::new(nanos(QUICK * 2)))
    }
}

impl Pace {
    /// Whether the next write may run in the caller's thread.
    pub(crate) fn is_quick(&self) -> bool {
        self.0.load(Ordering::Relaxed) < nanos(QUICK)
    }

    /// Runs a write and notes how long it took.
    pub(crate) fn time<T>(&self, write: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = write();
        self.note(start.elapsed());
        done
    }

    /// A lost update between two threads only makes the mean a little older.
    fn note(&self, took: Duration) {
        let mean = self.0.load(Ordering::Relaxed);
        self.0.store(mean - mean / 8 + nanos(took) / 8, Ordering::Relaxed);
    }
}

/// An hour at most: the mean must not overflow.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.min(Duration::from_secs(3600)).as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod tests;
