use std::time::Duration;

use super::Pace;

#[test]
fn writes_run_here_only_after_quick_ones() {
    let pace = Pace::default();
    assert!(!pace.is_quick(), "unknown is slow");
    for _ in 0..20 {
        pace.note(Duration::from_micros(300));
    }
    assert!(pace.is_quick());
    pace.note(Duration::from_millis(15));
    assert!(!pace.is_quick(), "one long write is enough to be careful again");
    for _ in 0..20 {
        pace.note(Duration::from_micros(300));
    }
    assert!(pace.is_quick());
    pace.note(Duration::MAX);
    assert!(!pace.is_quick());
}

#[test]
fn a_timed_write_is_noted() {
    let pace = Pace::default();
    for _ in 0..40 {
        assert_eq!(pace.time(|| 7), 7);
    }
    assert!(pace.is_quick());
}
