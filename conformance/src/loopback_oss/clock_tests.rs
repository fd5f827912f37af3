use std::time::{Duration, UNIX_EPOCH};

use super::{ServerClock, compact, rfc3339};

#[test]
fn dates_are_those_of_the_calendar() {
    let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    assert_eq!(rfc3339(at(0)), "1970-01-01T00:00:00.000Z");
    assert_eq!(rfc3339(at(951_782_399)), "2000-02-28T23:59:59.000Z");
    assert_eq!(rfc3339(at(951_782_400)), "2000-02-29T00:00:00.000Z");
    assert_eq!(compact(at(1_798_761_599)), "20261231T235959Z");
    assert_eq!(compact(at(1_798_761_600)), "20270101T000000Z");
}

#[test]
fn the_clock_can_be_moved() {
    let clock = ServerClock::default();
    let before = clock.now();
    clock.set(-3_600);
    assert!(clock.now() < before);
    clock.set(3_600);
    assert!(clock.now() >= before + Duration::from_secs(3_600));
}
