//! How long to wait after failures.

use std::time::Duration;

use crate::Error;

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
const A_DAY: Duration = Duration::from_secs(24 * 60 * MINUTE);

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

/// The pause after an error: [`pause`], or as long as the CA wants to be left alone. That is a day at most, and half of what
/// is left of the certificate that is served: who runs the CA may have raised a limit, or come back earlier.
pub(super) fn pause_after(error: &Error, failures: u32, left: Option<Duration>) -> Duration {
    let wanted = error.retry_after().unwrap_or_default().min(A_DAY);
    let wanted = match left {
        Some(left) if !left.is_zero() => wanted.min(left / 2),
        _ => wanted,
    };
    pause(failures, left).max(wanted)
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

    fn refused(seconds: Option<u64>) -> Error {
        let problem = serde_json::from_str("{}").expect("a problem");
        let retry_after = seconds.map(Duration::from_secs);
        certstore_instant_acme::Error::Refused { step: "make an order", problem, retry_after }
            .into()
    }

    #[test]
    fn a_ca_that_says_when_is_left_alone_until_then() {
        let with_left =
            |error: Error, left| pause_after(&error, 1, Some(Duration::from_secs(left))).as_secs();
        assert_eq!(with_left(refused(None), 30), 3);
        assert_eq!(with_left(refused(Some(1)), 30), 3);
        assert_eq!(with_left(refused(Some(7200)), 30), 15, "it is asked before the end");
        let wait = |error: Error| pause_after(&error, 1, None).as_secs();
        assert_eq!(wait(refused(Some(7200))), 7200);
        assert_eq!(wait(refused(Some(7 * 24 * 3600))), 24 * 3600);
        let both = |first, second| {
            let errors = [first, second].map(|error| ("a".to_owned(), refused(error))).into();
            Error::Issuers { name: "a.example".into(), errors }
        };
        assert_eq!(wait(both(Some(7200), Some(3600))), 3600);
        assert_eq!(wait(both(Some(7200), None)), 60, "the other may be asked");
    }
}
