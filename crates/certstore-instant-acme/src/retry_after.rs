//! When a server wants to be asked again.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// The time that `Retry-After` says (RFC 9110, section 10.2.3), in seconds or as a date; `None` where it says none.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<SystemTime> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse::<u32>() {
        Ok(seconds) => now.checked_add(Duration::from_secs(seconds.into())),
        Err(_) => httpdate::parse_http_date(text).ok(),
    }
}

#[cfg(test)]
#[path = "retry_after_tests.rs"]
mod tests;
