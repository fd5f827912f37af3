use std::time::UNIX_EPOCH;

use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn day(number: u32) -> SystemTime {
    UNIX_EPOCH + number * DAY
}

fn is_due(policy: &RenewalPolicy, start: SystemTime, end: SystemTime, now: SystemTime) -> bool {
    policy.due(start, end, None) <= now
}

#[test]
fn a_third_of_the_lifetime_is_the_earliest() {
    let policy = RenewalPolicy::default();
    assert!(!is_due(&policy, day(0), day(90), day(59)));
    assert!(is_due(&policy, day(0), day(90), day(60)));
    assert!(!is_due(&policy, day(0), day(6), day(3)));
    assert!(is_due(&policy, day(0), day(6), day(4)));
    // Thirty days of a lifetime of years.
    assert!(!is_due(&policy, day(0), day(900), day(869)));
    assert!(is_due(&policy, day(0), day(900), day(870)));
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
    assert!(is_due(&policy, day(0), day(90), day(400)));
    assert!(is_due(&policy, day(90), day(0), day(50)));
}

#[test]
fn what_the_ca_says_is_obeyed_but_for_the_last_days() {
    let policy = RenewalPolicy::default();
    let due = |selected| policy.due(day(0), day(100), Some(day(selected)));
    assert_eq!((due(3), due(80), due(95)), (day(3), day(80), day(95)));
    assert_eq!((due(99), due(0)), (day(95), day(1)));
}
