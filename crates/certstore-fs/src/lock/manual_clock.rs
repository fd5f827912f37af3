//! Time for the unit tests.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use certstore_core::{Clock, Sleep};

/// A clock that goes when it is told to. Its wall clock can be stepped.
pub(super) struct Manual {
    now: Mutex<(Duration, SystemTime)>,
    after_look: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Manual {
    pub(super) fn new() -> Self {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        Self { now: Mutex::new((Duration::from_secs(100), wall)), after_look: Mutex::default() }
    }

    /// What happens right after the next look at the boot time, as if the process were stopped there meanwhile.
    pub(super) fn after_next_look(&self, event: impl FnOnce() + Send + 'static) {
        *self.after_look.lock().unwrap() = Some(Box::new(event));
    }

    pub(super) fn go(&self, seconds: u64) {
        let mut now = self.now.lock().unwrap();
        now.0 += Duration::from_secs(seconds);
        now.1 += Duration::from_secs(seconds);
    }

    pub(super) fn step_back(&self, seconds: u64) {
        self.now.lock().unwrap().1 -= Duration::from_secs(seconds);
    }
}

impl fmt::Debug for Manual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manual").field("now", &self.now).finish_non_exhaustive()
    }
}

impl Clock for Manual {
    fn boottime(&self) -> Duration {
        let now = self.now.lock().unwrap().0;
        let event = self.after_look.lock().unwrap().take();
        if let Some(event) = event {
            event();
        }
        now
    }

    fn monotonic(&self) -> Duration {
        self.boottime()
    }

    fn wall(&self) -> SystemTime {
        self.now.lock().unwrap().1
    }

    fn sleep(&self, _duration: Duration) -> Sleep {
        Box::pin(std::future::pending())
    }
}
