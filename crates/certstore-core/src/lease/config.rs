//! The times of a lease.

use std::time::Duration;

use crate::{Error, ErrorKind, Result};

/// The times of a lease and of those who wait for it.
///
/// ```
/// use std::time::Duration;
/// use certstore_core::lease::LeaseConfig;
/// let config = LeaseConfig::new(Duration::from_secs(15))?;
/// assert_eq!(config.hold(), Duration::from_secs(12));
/// # Ok::<(), certstore_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseConfig {
    lease: Duration,
    poll_min: Duration,
    poll_max: Duration,
    handovers: u32,
}

impl LeaseConfig {
    /// The shortest lease that leaves time for a renewal.
    pub const MIN_LEASE: Duration = Duration::from_millis(100);

    /// The longest lease: a dead holder should not stop a fleet for longer than a day.
    pub const MAX_LEASE: Duration = Duration::from_secs(24 * 60 * 60);

    /// A lease of this length; polls from 0.1 to 2 s apart, at most a tenth of the lease; 8 local hand-overs.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when `lease` is under 100 ms or over a day.
    pub fn new(lease: Duration) -> Result<Self> {
        if lease < Self::MIN_LEASE {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                "a lease has at least 100 ms; 15 s or more suits most",
            ));
        }
        if lease > Self::MAX_LEASE {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                "a lease has at most 24 h; 15 s or more suits most",
            ));
        }
        Ok(Self::of(lease))
    }

    fn of(lease: Duration) -> Self {
        let poll_max = Duration::from_secs(2).min(lease / 10);
        let poll_min = Duration::from_millis(100).min(poll_max);
        Self { lease, poll_min, poll_max, handovers: 8 }
    }

    /// The shortest and longest time between two looks at a held lock; at least 1 ms.
    #[must_use]
    pub fn with_poll(mut self, min: Duration, max: Duration) -> Self {
        self.poll_max = max.max(Duration::from_millis(1));
        self.poll_min = min.clamp(Duration::from_millis(1), self.poll_max);
        self
    }

    /// How often a lock is handed to the next task of the same process before other processes get their chance; 0 for
    /// never, at most 1,000. Half a lease ends it as well.
    #[must_use]
    pub fn with_handovers(mut self, handovers: u32) -> Self {
        self.handovers = handovers.min(1000);
        self
    }

    /// How long a lock outlives a dead holder.
    #[must_use]
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// The holder's own limit: 0.8 of the lease, so that clocks may differ in rate by a factor of 1.25.
    #[must_use]
    pub fn hold(&self) -> Duration {
        self.lease * 4 / 5
    }

    /// The time between two renewals: a third of the lease.
    #[must_use]
    pub fn renew(&self) -> Duration {
        self.lease / 3
    }

    /// The time-out of one request: a sixth of the lease, at most 5 s.
    #[must_use]
    pub fn request(&self) -> Duration {
        (self.lease / 6).min(Duration::from_secs(5))
    }

    pub(super) fn poll(&self) -> (Duration, Duration) {
        (self.poll_min, self.poll_max)
    }

    pub(super) fn handovers(&self) -> u32 {
        self.handovers
    }
}

impl Default for LeaseConfig {
    /// A lease of 15 s.
    fn default() -> Self {
        Self::of(Duration::from_secs(15))
    }
}
