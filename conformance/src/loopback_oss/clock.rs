//! The server's own clock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The machine's clock, moved by some seconds.
#[derive(Debug, Default)]
pub(super) struct ServerClock(AtomicI64);

impl ServerClock {
    pub(super) fn set(&self, seconds: i64) {
        self.0.store(seconds, Ordering::SeqCst);
    }

    /// Whole seconds, as OSS has them.
    pub(super) fn now(&self) -> SystemTime {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        UNIX_EPOCH + Duration::from_secs(real.saturating_add_signed(self.0.load(Ordering::SeqCst)))
    }
}

/// As in `2026-01-31T23:59:59.000Z`.
pub(super) fn rfc3339(time: SystemTime) -> String {
    let (date, clock) = parts(time);
    format!("{}-{}-{}T{}:{}:{}.000Z", date[0], date[1], date[2], clock[0], clock[1], clock[2])
}

/// As in `20260131T235959Z`.
pub(super) fn compact(time: SystemTime) -> String {
    let (date, clock) = parts(time);
    format!("{}T{}Z", date.concat(), clock.concat())
}

/// Year, month, day; hour, minute, second. By the days of the civil calendar, counted from March.
fn parts(time: SystemTime) -> ([String; 3], [String; 3]) {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, rest) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (
        [format!("{year:04}"), format!("{month:02}"), format!("{day:02}")],
        [rest / 3_600, rest / 60 % 60, rest % 60].map(|part| format!("{part:02}")),
    )
}

#[cfg(test)]
#[path = "clock_tests.rs"]
mod tests;
