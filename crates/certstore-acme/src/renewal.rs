//! When a certificate is renewed.

use std::time::{Duration, SystemTime};

use crate::defaults::{DEFAULT_RENEW_BEFORE, DEFAULT_RENEW_BEFORE_AT_STARTUP};

/// At most this part of a certificate's lifetime is left when it is renewed.
const PART: u32 = 3;
/// With this part left it is, whatever its CA has said.
const LAST_PART: u32 = 20;
/// Before this part has gone by it is not: a CA that always says "at once" gets no order after the other.
const FIRST_PART: u32 = 100;

/// When certificates are renewed: some time before they expire, and never earlier than when a third of their lifetime is
/// left, so that one of six days is not renewed thirty days ahead.
///
/// ```
/// use std::time::Duration;
/// use certstore_acme::RenewalPolicy;
/// let policy = RenewalPolicy::default();
/// let day = Duration::from_secs(24 * 3600);
/// assert_eq!(policy.window(90 * day), 30 * day);
/// assert_eq!(policy.window(6 * day), 2 * day);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RenewalPolicy {
    /// How long before they expire, at most; 30 days.
    pub before: Duration,
    /// How long before they expire a start waits for new ones, at most, instead of renewing them behind it; 7 days. A wide
    /// gap to [`before`](Self::before) gives a CA that is down time to come back before anybody is stopped by it.
    pub before_at_startup: Duration,
}

impl Default for RenewalPolicy {
    fn default() -> Self {
        Self { before: DEFAULT_RENEW_BEFORE, before_at_startup: DEFAULT_RENEW_BEFORE_AT_STARTUP }
    }
}

impl RenewalPolicy {
    /// How long before the end of such a lifetime a certificate is renewed.
    #[must_use]
    pub fn window(&self, lifetime: Duration) -> Duration {
        self.before.min(lifetime / PART)
    }

    /// When a certificate is renewed: at the time that was `selected` by what its CA says, but not before a
    /// hundredth of its lifetime has gone by, nor later than when a twentieth is left; else by this policy.
    #[must_use]
    pub fn due(
        &self,
        not_before: SystemTime,
        not_after: SystemTime,
        selected: Option<SystemTime>,
    ) -> SystemTime {
        let lifetime = lifetime(not_before, not_after);
        let before = |window| not_after.checked_sub(window).unwrap_or(SystemTime::UNIX_EPOCH);
        match selected {
            Some(selected) => {
                let earliest = not_before + lifetime / FIRST_PART;
                selected.max(earliest).min(before(lifetime / LAST_PART))
            }
            None => before(self.window(lifetime)),
        }
    }

    /// Whether a start waits for its renewal.
    #[must_use]
    pub fn is_due_at_startup(
        &self,
        not_before: SystemTime,
        not_after: SystemTime,
        now: SystemTime,
    ) -> bool {
        let window = self.window(lifetime(not_before, not_after)).min(self.before_at_startup);
        within(window, not_after, now)
    }
}

fn lifetime(not_before: SystemTime, not_after: SystemTime) -> Duration {
    not_after.duration_since(not_before).unwrap_or_default()
}

/// One that has expired is within any window.
fn within(window: Duration, not_after: SystemTime, now: SystemTime) -> bool {
    not_after.duration_since(now).unwrap_or_default() <= window
}

#[cfg(test)]
#[path = "renewal_tests.rs"]
mod tests;
