//! What is let pass, and what is not.

use super::*;

fn allowed(definite: bool, nameless: bool) -> Allowed<'static> {
    let kinds = &[ErrorKind::Unavailable, ErrorKind::Conflict];
    Allowed { kinds, words: "", others: &[], secrets: &[], definite, nameless, untouched: false }
}

fn failed(kind: ErrorKind, may_have_applied: bool) -> Ending {
    Err(Error::new(kind, "it failed").with_may_have_applied(may_have_applied))
}

fn passes(allowed: &Allowed<'_>, operation: Operation, ending: &Ending, state: State) -> bool {
    allowed.judge_state(operation, ending, state).is_ok()
}

#[test]
fn what_succeeded_is_done() {
    let (allowed, done) = (allowed(false, false), Ok(Answer::Right));
    for (operation, state, right) in [
        (Operation::Store, State::New, true),
        (Operation::Store, State::Old, false),
        (Operation::DeleteDirectory, State::Part, false),
        (Operation::Load, State::Old, true),
        (Operation::Load, State::New, false),
        (Operation::Store, State::Broken, false),
    ] {
        assert_eq!(passes(&allowed, operation, &done, state), right, "{operation:?} {state:?}");
    }
}

#[test]
fn an_error_says_whether_the_write_may_be_done() {
    let allowed = allowed(false, false);
    let (clear, unclear) =
        (failed(ErrorKind::Unavailable, false), failed(ErrorKind::Unavailable, true));
    assert!(passes(&allowed, Operation::Store, &clear, State::Old));
    assert!(passes(&allowed, Operation::Store, &unclear, State::Old));
    assert!(passes(&allowed, Operation::Store, &unclear, State::New));
    assert!(!passes(&allowed, Operation::Store, &clear, State::New), "a write that is denied");
    assert!(!passes(&allowed, Operation::Load, &unclear, State::Old), "a read applies nothing");
    assert!(!passes(&allowed, Operation::Store, &unclear, State::Part));
    assert!(!passes(&allowed, Operation::StoreAll, &unclear, State::Broken));
}

#[test]
fn a_clear_refusal_is_not_unclear() {
    let unclear = failed(ErrorKind::PermissionDenied, true);
    assert!(!passes(&allowed(true, false), Operation::Store, &unclear, State::Old));
    assert!(passes(&allowed(true, false), Operation::DeleteDirectory, &unclear, State::Old));
}

#[test]
fn a_directory_that_is_deleted_in_part_says_so() {
    let allowed = allowed(true, false);
    for unclear in [true, false] {
        let failed = failed(ErrorKind::PermissionDenied, unclear);
        assert_eq!(passes(&allowed, Operation::DeleteDirectory, &failed, State::Part), unclear);
    }
}

#[test]
fn where_no_request_arrives_nothing_is_done() {
    let allowed = Allowed { untouched: true, ..allowed(true, false) };
    let (clear, unclear) = (failed(ErrorKind::Other, false), failed(ErrorKind::Other, true));
    for state in [State::Part, State::New] {
        assert!(!passes(&allowed, Operation::DeleteDirectory, &unclear, state));
    }
    assert!(passes(&allowed, Operation::StoreAll, &clear, State::Old));
    assert!(!passes(&allowed, Operation::StoreAll, &unclear, State::Old));
}

#[test]
fn a_conditional_write_that_met_itself_knows_its_own_where_it_can() {
    let conflict = failed(ErrorKind::Conflict, false);
    assert!(!passes(&allowed(false, false), Operation::StoreIfVersion, &conflict, State::New));
    assert!(passes(&allowed(false, true), Operation::DeleteIf, &conflict, State::New));
    assert!(passes(&allowed(false, true), Operation::DeleteIf, &conflict, State::Old));
}
