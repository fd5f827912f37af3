use std::time::{Duration, UNIX_EPOCH};

use super::*;

#[test]
fn seconds_and_dates_are_understood() {
    let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
    let said = |text: &'static str| {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
        retry_after(&headers, now)
    };
    assert_eq!(said("21600"), Some(now + Duration::from_secs(21_600)));
    assert_eq!(said(" 0 "), Some(now));
    // All three forms of RFC 9110, section 5.6.7.
    for date in [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ] {
        assert_eq!(said(date), Some(now), "{date}");
    }
    for nothing in ["", "soon", "-1", "1.5", "99999999999999999999"] {
        assert_eq!(said(nothing), None, "{nothing}");
    }
    assert_eq!(retry_after(&HeaderMap::new(), now), None);
}
