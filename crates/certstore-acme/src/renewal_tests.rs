use std::time::UNIX_EPOCH;

use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn day(number: u32) -> SystemTime {
    UNIX_EPOCH + number * DAY
}

#[test]
fn a_third_of_the_lifetime_is_the_earliest() {
    let policy = RenewalPolicy::default();
    assert!(!policy.is_due(day(0), day(90), day(59)));
    assert!(policy.is_due(day(0), day(90), day(60)));
    assert!(!policy.is_due(day(0), day(6), day(3)));
    assert!(policy.is_due(day(0), day(6), day(4)));
    // Thirty days of a lifetime of years.
    assert!(!policy.is_due(day(0), day(900), day(869)));
    assert!(policy.is_due(day(0), day(900), day(870)));
}

#[test]
fn a_start_waits_only_near_the_end() {
    let policy = RenewalPolicy::default();
    assert!(!policy.is_due_at_startup(day(0), day(90), day(82)));
    assert!(policy.is_due_at_startup(day(0), day(90), day(83)));
    assert!(policy.is_due_at_startup(day(0), day(6), day(4)));
}

#[test]
fn what_has_expired_or_never_was_valid_is_due() {
    let policy = RenewalPolicy::default();
    assert!(policy.is_due(day(0), day(90), day(400)));
    assert!(policy.is_due(day(90), day(0), day(50)));
}
