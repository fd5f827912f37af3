//! What becomes of the driver's errors.

use std::io;

use aws_smithy_runtime_api::client::result::ConnectorError;

use super::*;

type Failed = SdkError<io::Error, HttpResponse>;

fn dispatch(error: ConnectorError) -> Unanswered {
    Unanswered::of(&Failed::dispatch_failure(error))
}

#[test]
fn a_search_for_credentials_that_failed_sent_nothing() {
    for (failed, kind, words) in [
        (CredentialsError::not_loaded("none"), ErrorKind::InvalidConfig, "no credentials"),
        (CredentialsError::invalid_configuration("x"), ErrorKind::InvalidConfig, "the profile"),
        (CredentialsError::provider_error("x"), ErrorKind::Unavailable, "does not answer"),
    ] {
        let found = Unanswered::of(&Failed::construction_failure(failed));
        let Unanswered::Unsent(found, message) = found else { panic!("{found:?}") };
        assert!(found == kind && message.contains(words), "{message}");
    }
    let failed = CredentialsError::not_loaded("none");
    let found = dispatch(ConnectorError::other(failed.into(), None));
    assert!(matches!(found, Unanswered::Unsent(ErrorKind::InvalidConfig, _)), "{found:?}");
    let found = Unanswered::of(&Failed::construction_failure("other"));
    assert!(matches!(found, Unanswered::Unsent(ErrorKind::Other, _)), "{found:?}");
}

#[test]
fn what_failed_at_connecting_was_not_sent() {
    for (words, sent) in [("connect error", false), ("connection reset", true)] {
        let found = dispatch(ConnectorError::io(io::Error::other(words).into()));
        assert_eq!(found, Unanswered::Connection { sent }, "{words}");
    }
    for (words, sent) in [("HTTP connect timeout", false), ("HTTP read timeout", true)] {
        let found = dispatch(ConnectorError::timeout(io::Error::other(words).into()));
        assert_eq!(found, Unanswered::Late { sent }, "{words}");
    }
    assert_eq!(Unanswered::of(&Failed::timeout_error("late")), Unanswered::Late { sent: true });
}
