use std::time::{Duration, SystemTime};

use super::super::clock::compact;
use super::time;

#[test]
fn stamps_are_read_as_they_are_written() {
    for seconds in [0, 951_782_399, 951_782_400, 1_709_164_799, 1_798_761_599, 4_102_444_800] {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(time(&compact(at)), Some(at));
    }
    for stamp in ["", "20260131", "20260231T000000Z", "20260131T000000", "x0260131T000000Z"] {
        assert_eq!(time(stamp), None, "{stamp}");
    }
}
