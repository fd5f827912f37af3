//! Dates.

use super::*;

#[test]
fn stamps_are_seconds_since_1970() {
    for (stamp, seconds) in [
        ("19700101T000000Z", 0),
        ("19700301T000000Z", 59 * 86_400),
        ("20000229T120000Z", 951_825_600),
        ("20260131T235959Z", 1_769_903_999),
    ] {
        assert_eq!(parse_stamp(stamp), Some(UNIX_EPOCH + Duration::from_secs(seconds)), "{stamp}");
    }
    for wrong in ["", "20260131", "20260131 235959Z", "20261331T000000Z", "x0260131T235959Z"] {
        assert_eq!(parse_stamp(wrong), None, "{wrong}");
    }
}
