use certmagic::error::{Error, StorageError};
use certstore_core::{Error as Ours, ErrorKind};

use super::theirs;

fn of(kind: ErrorKind) -> Error {
    let source = std::io::Error::other("connection\nreset");
    theirs(&Ours::new(kind, "what is wrong").with_source(source), "a/b")
}

#[test]
fn only_what_is_not_there_is_not_found() {
    use ErrorKind as Kind;
    assert!(
        matches!(of(Kind::NotFound), Error::Storage(StorageError::NotFound(key)) if key == "a/b")
    );
    for kind in [
        Kind::InvalidKey,
        Kind::InvalidConfig,
        Kind::PermissionDenied,
        Kind::Conflict,
        Kind::Fenced,
        Kind::LockLost,
        Kind::TooLarge,
        Kind::Unavailable,
        Kind::Corrupt,
        Kind::Unsupported,
        Kind::Other,
    ] {
        let error = of(kind);
        assert!(!matches!(error, Error::Storage(StorageError::NotFound(_))), "{kind}");
        // The text is all that is left of the sources.
        let text = error.to_string();
        assert!(text.ends_with("what is wrong: connection reset"), "{text}");
    }
}

#[test]
fn what_their_callers_tell_apart_is_told_apart() {
    use ErrorKind as Kind;
    assert!(matches!(of(Kind::InvalidKey), Error::Storage(StorageError::InvalidKey(_))));
    assert!(matches!(of(Kind::Conflict), Error::Storage(StorageError::Conflict(_))));
    assert!(matches!(of(Kind::Unavailable), Error::Storage(StorageError::Io(_))));
    assert!(matches!(of(Kind::PermissionDenied), Error::Storage(StorageError::Io(_))));
    for kind in [Kind::LockLost, Kind::Fenced] {
        let Error::NoRetry(inner) = of(kind) else { panic!("{kind} must not be tried again") };
        assert!(matches!(*inner, Error::Storage(StorageError::StaleLock(_))));
    }
    assert!(!of(Kind::Unavailable).has_no_retry());
}
