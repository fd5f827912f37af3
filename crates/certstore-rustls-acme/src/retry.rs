//! Trying again until the backend answers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use certstore_core::{Clock, Error, ErrorKind, OsRandom, Random, SystemClock};

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// The clock and the chance that waits are made of.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), random: Arc::new(OsRandom) }
    }
}

impl Pace {
    /// The waits of one operation, from the shortest.
    pub(crate) fn waits(&self) -> Waits<'_> {
        Waits { pace: self, next: FIRST }
    }
}

/// Waits that double up to half a minute, each drawn from its upper half so that a fleet does not come back as one.
pub(crate) struct Waits<'a> {
    pace: &'a Pace,
    next: Duration,
}

impl Waits<'_> {
    /// Tells what went wrong, and waits.
    pub(crate) async fn after(&mut self, error: &Error, subject: &(dyn fmt::Display + Sync)) {
        let wait = self.next.mul_f64(0.5 + self.pace.random.next_unit() / 2.0);
        self.next = (self.next * 2).min(LONGEST);
        if error.is_retryable() || error.kind() == ErrorKind::LockLost {
            tracing::warn!(%subject, %error, ?wait, "the storage does not answer; nothing is ordered until it does");
        } else {
            tracing::error!(%subject, %error, ?wait, "the storage refuses; nothing is ordered until that is mended");
        }
        self.pace.clock.sleep(wait).await;
    }
}
