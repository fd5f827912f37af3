use std::time::{Duration, UNIX_EPOCH};

use super::rfc3339;

#[test]
fn times_are_read() {
    for (text, seconds) in [
        ("1970-01-01T00:00:00.000Z", 0),
        ("2000-02-29T00:00:00.000Z", 951_782_400),
        ("2000-03-01T00:00:00Z", 951_868_800),
        ("2026-12-31T23:59:59.999Z", 1_798_761_599),
    ] {
        assert_eq!(rfc3339(text), Some(UNIX_EPOCH + Duration::from_secs(seconds)), "{text}");
    }
    for text in [
        "",
        "Z",
        "2026-01-31",
        "2026-01-31T23:59Z",
        "2026-13-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T23:59:59+01:00",
        "+026-01-31T00:00:00Z",
        "2026-01-31T23:59:59.xZ",
    ] {
        assert_eq!(rfc3339(text), None, "{text}");
    }
}
