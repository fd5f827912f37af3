//! What is told of several writes.

use certstore_core::ErrorKind;
use futures_util::FutureExt as _;

use super::*;

fn failed(kind: ErrorKind, unclear: bool) -> Error {
    Error::new(kind, "it failed").with_may_have_applied(unclear)
}

#[test]
fn all_are_tried_and_the_first_failure_is_told() {
    let tried = std::cell::Cell::new(0);
    let write = |number: u32| {
        tried.set(tried.get() + 1);
        let kind = if number == 1 { ErrorKind::PermissionDenied } else { ErrorKind::Unavailable };
        async move { if number == 0 { Ok(()) } else { Err(failed(kind, false)) } }
    };
    let told = each(0..4, 1, write).now_or_never().expect("nothing waits").unwrap_err();
    assert_eq!((tried.get(), told.kind()), (4, ErrorKind::PermissionDenied));
    assert!(told.may_have_applied(), "another one was done");
}

#[test]
fn a_failure_says_whether_anything_may_be_done() {
    for (others, unclear) in [
        (vec![], false),
        (vec![Err(failed(ErrorKind::Other, false))], false),
        (vec![Err(failed(ErrorKind::Unavailable, true))], true),
        (vec![Ok(())], true),
    ] {
        let mut tried = Tried::default();
        tried.add(Err(failed(ErrorKind::PermissionDenied, false)));
        let shown = format!("{others:?}");
        others.into_iter().for_each(|other| tried.add(other));
        assert_eq!(tried.end().unwrap_err().may_have_applied(), unclear, "{shown}");
    }
    assert!(Tried::default().end().is_ok());
}
