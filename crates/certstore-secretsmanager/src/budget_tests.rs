//! Counting over a day.

use super::*;

#[test]
fn a_secret_has_its_own_count_over_a_day() {
    let (budget, start) = (Budget::new(3), Instant::now());
    for hour in 0..3 {
        budget.spend_at("a", start + Duration::from_secs(3600 * hour)).unwrap();
    }
    let error = budget.spend_at("a", start + Duration::from_secs(3600 * 23)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Other);
    assert!(error.to_string().contains("[storage.lock]"), "{error}");
    assert!(!error.is_retryable());
    budget.spend_at("b", start).unwrap();
    // A refused one does not count, and the first one is over after a day.
    budget.spend_at("a", start + DAY).unwrap();
    budget.spend_at("a", start + DAY).unwrap_err();
}

#[test]
fn without_a_limit_nothing_is_counted() {
    let budget = Budget::new(0);
    for _ in 0..1_000 {
        budget.spend("a").unwrap();
    }
    budget.spend_anyway("a");
    assert!(budget.secrets().is_empty());
}

#[test]
fn a_release_goes_beyond_the_limit() {
    let budget = Budget::new(1);
    budget.spend("a").unwrap();
    for _ in 0..10 {
        budget.spend_anyway("a");
    }
    budget.spend("a").unwrap_err();
    assert_eq!(budget.secrets()["a"].len(), 2);
}

#[test]
fn what_was_not_made_or_is_gone_does_not_count() {
    let budget = Budget::new(2);
    for _ in 0..10 {
        budget.spend("a").unwrap();
        budget.refund("a");
    }
    budget.spend("a").unwrap();
    budget.spend("a").unwrap();
    budget.spend("a").unwrap_err();
    budget.forget("a");
    budget.spend("a").unwrap();
    budget.refund("never seen");
}

#[test]
fn memory_is_bounded() {
    let (budget, start) = (Budget::new(3), Instant::now());
    for number in 0..2 * SECRETS {
        let later = Duration::from_millis(u64::try_from(number).unwrap());
        budget.spend_at(&format!("{number}"), start + later).unwrap();
    }
    assert!(budget.secrets().len() <= SECRETS);
    assert!(budget.secrets().contains_key(&format!("{}", 2 * SECRETS - 1)));
}
