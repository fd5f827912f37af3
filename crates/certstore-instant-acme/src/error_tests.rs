use std::error::Error as _;

use certstore_core::ErrorKind;
use instant_acme::Problem;

use super::Error;

fn refused(kind: &str, status: u16) -> Error {
    let json = format!(
        r#"{{"type": "urn:ietf:params:acme:error:{kind}", "detail": "no", "status": {status}}}"#
    );
    let problem: Problem = serde_json::from_str(&json).unwrap();
    Error::of_ca("make an order", instant_acme::Error::Api(problem))
}

#[test]
fn what_may_pass_by_itself_is_retryable() {
    let storage = |kind| Error::from(certstore_core::Error::new(kind, "x"));
    for (error, retryable) in [
        (refused("rateLimited", 429), true),
        (refused("serverInternal", 500), true),
        (refused("malformed", 503), true),
        (refused("unauthorized", 403), false),
        (refused("rejectedIdentifier", 400), false),
        (storage(ErrorKind::Unavailable), true),
        (storage(ErrorKind::LockLost), true),
        (storage(ErrorKind::PermissionDenied), false),
        (Error::TimedOut { step: "make an order" }, true),
        (Error::Rejected { names: "a.example".into() }, false),
    ] {
        assert_eq!(error.is_retryable(), retryable, "{error:?}");
    }
}

#[test]
fn a_line_says_what_failed_and_the_source_why() {
    let error = refused("unauthorized", 403);
    assert_eq!(error.to_string(), "the CA refuses to make an order");
    assert!(error.source().unwrap().to_string().contains("unauthorized"));
    assert!(!error.is_unknown_account());
    assert!(refused("accountDoesNotExist", 400).is_unknown_account());
}
