//! Whether the backing storage answers.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use certstore_core::{Clock, Error, ErrorKind};

/// Knows of an outage, says in the log when it begins and ends, and lets one load at a time ask during it.
pub(super) struct Outage {
    backend: &'static str,
    stale_limit: Duration,
    retry_interval: Duration,
    clock: Arc<dyn Clock>,
    down: Mutex<Option<Down>>,
}

/// What [`Outage::ask`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// It answers as far as is known: ask.
    Up,
    /// It is down, and this caller is the one to ask again.
    Probe,
    /// It is down, and somebody has asked lately.
    Down,
}

#[derive(Debug, Clone, Copy)]
struct Down {
    since: Duration,
    asked: Duration,
}

impl Outage {
    pub(super) fn new(
        backend: &'static str,
        stale_limit: Duration,
        retry_interval: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { backend, stale_limit, retry_interval, clock, down: Mutex::default() }
    }

    /// Takes note of how a call to the backing storage ended. What was refused before it was asked says nothing.
    pub(super) fn note<T>(&self, result: &Result<T, Error>) {
        match result {
            Ok(_) => self.answered(),
            Err(error) if error.is_retryable() => self.failed(error),
            Err(error) => {
                if matches!(
                    error.kind(),
                    ErrorKind::NotFound
                        | ErrorKind::Conflict
                        | ErrorKind::Fenced
                        | ErrorKind::Corrupt
                ) {
                    self.answered();
                }
            }
        }
    }

    fn failed(&self, error: &Error) {
        let now = self.clock.boottime();
        let mut down = self.down();
        if let Some(down) = &mut *down {
            down.asked = now;
            return;
        }
        *down = Some(Down { since: now, asked: now });
        tracing::warn!(
            backend = self.backend,
            %error,
            stale_limit = ?self.stale_limit,
            "the backing storage does not answer: local copies are served until they are too old, writes fail"
        );
    }

    fn answered(&self) {
        if let Some(down) = self.down().take() {
            let lasted = self.clock.boottime().saturating_sub(down.since);
            tracing::info!(backend = self.backend, ?lasted, "the backing storage answers again");
        }
    }

    /// Whether to ask before a copy is served: always, but during an outage one caller an interval.
    pub(super) fn ask(&self) -> Ask {
        let now = self.clock.boottime();
        match &mut *self.down() {
            None => Ask::Up,
            Some(down) if now.saturating_sub(down.asked) < self.retry_interval => Ask::Down,
            Some(down) => {
                down.asked = now;
                Ask::Probe
            }
        }
    }

    /// Whether it was asked within the last interval and did not answer.
    pub(super) fn is_down(&self) -> bool {
        let now = self.clock.boottime();
        self.down().is_some_and(|down| now.saturating_sub(down.asked) < self.retry_interval)
    }

    /// Since when it has not answered; `None`: it answers.
    pub(super) fn lasts(&self) -> Option<Duration> {
        let since = self.down().map(|down| down.since)?;
        Some(self.clock.boottime().saturating_sub(since))
    }

    fn down(&self) -> MutexGuard<'_, Option<Down>> {
        self.down.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outage").field("down", &*self.down()).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "outage_tests.rs"]
mod tests;
