use super::*;

#[test]
fn results_are_added_up() {
    let mut counts = Counts::default();
    counts.add("running 3 tests");
    counts.add("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.00s");
    counts.add("test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s");
    assert_eq!(counts, Counts { passed: 13, failed: 2, ignored: 1, not_supported: 0 });
    counts.add("CAS-1 not supported: the backend declares cas: None");
    counts.add("something else is not supported: no");
    assert_eq!(counts, Counts { passed: 13, failed: 2, ignored: 1, not_supported: 1 });
    assert_eq!(counts.held(), 12);
}

#[test]
fn a_failed_step_is_a_failure() {
    let counts = Counts { passed: 5, ..Counts::default() };
    assert!(sum_up(&[("one", Duration::ZERO, true)], counts, Duration::ZERO).is_ok());
    assert!(sum_up(&[("one", Duration::ZERO, false)], counts, Duration::ZERO).is_err());
}
