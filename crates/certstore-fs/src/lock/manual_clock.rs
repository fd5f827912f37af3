//! Time for the unit tests.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use certstore_core::{Clock, Sleep};

/// A clock that goes when it is told to. Its wall clock can be stepped.
#[derive(Debug)]
pub(super) struct Manual(Mutex<(Duration, SystemTime)>);

impl Manual {
    pub(super) fn new() -> Self {
        Self(Mutex::new((
            Duration::from_secs(100),
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
        )))
    }

    pub(super) fn go(&self, seconds: u64) {
        let mut now = self.0.lock().unwrap();
        now.0 += Duration::from_secs(seconds);
        now.1 += Duration::from_secs(seconds);
    }

    pub(super) fn step_back(&self, seconds: u64) {
        self.0.lock().unwrap().1 -= Duration::from_secs(seconds);
    }
}

impl Clock for Manual {
    fn boottime(&self) -> Duration {
        self.0.lock().unwrap().0
    }

    fn monotonic(&self) -> Duration {
        self.boottime()
    }

    fn wall(&self) -> SystemTime {
        self.0.lock().unwrap().1
    }

    fn sleep(&self, _duration: Duration) -> Sleep {
        Box::pin(std::future::pending())
    }
}
