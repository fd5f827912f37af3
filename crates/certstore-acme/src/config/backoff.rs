//! How long to wait after failures.

use std::time::Duration;

const MINUTE: u64 = 60;

/// As CertMagic waits: a CA counts failures, and what is broken for an hour is seldom mended in the next minute.
const WAITS: [u64; 12] = [
    MINUTE,
    2 * MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    10 * MINUTE,
    10 * MINUTE,
    20 * MINUTE,
    20 * MINUTE,
    30 * MINUTE,
    60 * MINUTE,
    180 * MINUTE,
];
const LONGEST: u64 = 6 * 60 * MINUTE;

/// The pause after so many failures in a row: from a minute to six hours, and never more than a tenth of what is left of
/// the certificate that is served.
pub(super) fn pause(failures: u32, left: Option<Duration>) -> Duration {
    let step = usize::try_from(failures.saturating_sub(1)).ok();
    let wait = step.and_then(|step| WAITS.get(step)).copied().unwrap_or(LONGEST);
    let wait = Duration::from_secs(wait);
    match left {
        // One that has expired is as missing.
        Some(left) if !left.is_zero() => wait.min((left / 10).max(Duration::from_secs(1))),
        _ => wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_six_hours() {
        let waits: Vec<u64> = (1..20).map(|failures| pause(failures, None).as_secs()).collect();
        assert!(waits.is_sorted());
        assert_eq!((waits[0], waits[18]), (60, 6 * 3600));
    }

    #[test]
    fn a_certificate_of_minutes_is_not_left_to_expire() {
        assert_eq!(pause(1, Some(Duration::from_secs(30))), Duration::from_secs(3));
        assert_eq!(pause(20, Some(Duration::from_secs(5))), Duration::from_secs(1));
        assert_eq!(pause(1, Some(Duration::ZERO)), Duration::from_secs(60));
    }
}
