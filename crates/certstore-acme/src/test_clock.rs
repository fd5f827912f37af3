//! A wall clock that tests set.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use certstore_core::{Clock, Sleep, SystemClock};

/// The machine's clocks, but for the wall clock, which stands where a test has put it.
#[derive(Debug)]
pub(crate) struct SetClock(Mutex<SystemTime>);

impl SetClock {
    pub(crate) fn at(wall: SystemTime) -> Arc<Self> {
        Arc::new(Self(Mutex::new(wall)))
    }

    pub(crate) fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for SetClock {
    fn boottime(&self) -> Duration {
        SystemClock.boottime()
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }

    fn wall(&self) -> SystemTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        SystemClock.sleep(duration)
    }
}

/// Goes by tokio's time, which tests let run ahead: all of its nodes see one wall clock.
#[derive(Debug, Clone)]
pub(crate) struct TokioClock {
    start: tokio::time::Instant,
    wall: SystemTime,
}

impl TokioClock {
    pub(crate) fn starting(wall: SystemTime) -> Arc<Self> {
        Arc::new(Self { start: tokio::time::Instant::now(), wall })
    }
}

impl Clock for TokioClock {
    fn boottime(&self) -> Duration {
        self.start.elapsed()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn wall(&self) -> SystemTime {
        self.wall + self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}
