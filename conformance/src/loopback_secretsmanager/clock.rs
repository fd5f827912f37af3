//! Times as the service writes them, and as signatures do.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// Seconds since 1970, with three digits behind the point.
pub(super) fn shown(time: SystemTime) -> Value {
    let millis = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    // Exact: milliseconds of the next millennia have fewer than 53 bits.
    json!(millis as f64 / 1000.0)
}

/// A time like `20260131T235959Z`.
pub(super) fn parse_stamp(stamp: &str) -> Option<SystemTime> {
    let number = |from: usize, to: usize| stamp.get(from..to)?.parse::<u64>().ok();
    let right = stamp.len() == 16 && stamp.get(8..9) == Some("T") && stamp.ends_with('Z');
    if !right {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(9, 11)?, number(11, 13)?, number(13, 15)?);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Days since 1970 of a date in the Gregorian calendar.
fn days(year: u64, month: u64, day: u64) -> u64 {
    // Years that begin in March: the leap day is their last.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let until_month = (153 * month + 2) / 5;
    365 * year + year / 4 - year / 100 + year / 400 + until_month + day - 1 - 719_468
}

#[cfg(test)]
#[path = "clock_tests.rs"]
mod tests;
