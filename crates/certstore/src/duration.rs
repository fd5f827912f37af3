//! Durations as people write them: `250ms`, `10s`, `1h30m`, `30d`.

use std::time::Duration;

use certstore_core::{Error, ErrorKind, Result};

/// Parses a duration: numbers, each with one of the units `ms`, `s`, `m`, `h` or `d`. A bare number is seconds.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`] when it is not of that form or over 100 years.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(certstore::parse_duration("1h30m")?, Duration::from_secs(5400));
/// assert_eq!(certstore::parse_duration("250ms")?, Duration::from_millis(250));
/// assert!(certstore::parse_duration("soon").is_err());
/// # Ok::<(), certstore::Error>(())
/// ```
pub fn parse_duration(text: &str) -> Result<Duration> {
    let wrong = || {
        let shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
        Error::new(
            ErrorKind::InvalidConfig,
            format!(
                "\"{shown}\" is no duration; write a number with a unit, like 250ms, 10s, 5m, 12h or 30d"
            ),
        )
    };
    let mut rest = text.trim();
    if let Ok(seconds) = rest.parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let unit_end = rest[digits..]
            .find(|c: char| c.is_ascii_digit())
            .map_or(rest.len(), |end| digits + end);
        let unit = unit(&rest[digits..unit_end]).ok_or_else(wrong)?;
        let millis =
            number.checked_mul(unit).filter(|millis| *millis <= MAX_MILLIS).ok_or_else(wrong)?;
        total += Duration::from_millis(millis);
        rest = &rest[unit_end..];
    }
    if text.trim().is_empty() || total > Duration::from_millis(MAX_MILLIS) {
        Err(wrong())
    } else {
        Ok(total)
    }
}

/// The longest duration, in milliseconds: 100 years.
const MAX_MILLIS: u64 = 100 * 366 * DAY;
const DAY: u64 = 24 * 3_600_000;

/// The unit in milliseconds.
fn unit(name: &str) -> Option<u64> {
    match name.trim() {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" | "min" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(DAY),
        _ => None,
    }
}

#[cfg(test)]
#[path = "duration_tests.rs"]
mod tests;
