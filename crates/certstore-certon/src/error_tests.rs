use std::error::Error as _;

use certon::error::StorageError;
use certstore_core::{Error, ErrorKind};

use super::{of_key, of_lock};

fn error(kind: ErrorKind) -> Error {
    Error::new(kind, "what is wrong").with_source(std::io::Error::other("connection reset"))
}

#[test]
fn only_what_is_not_there_is_not_found() {
    use ErrorKind as Kind;
    let missing = of_key(error(Kind::NotFound), "a/b");
    assert!(matches!(missing, certon::Error::Storage(StorageError::NotFound(key)) if key == "a/b"));
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
        let certon::Error::Storage(StorageError::Io(io)) = of_key(error(kind), "a/b") else {
            panic!("{kind} must be an error of I/O");
        };
        assert_ne!(io.kind(), std::io::ErrorKind::NotFound);
        let inner = io.get_ref().and_then(|inner| inner.downcast_ref::<Error>()).unwrap();
        assert_eq!(inner.kind(), kind);
        assert_eq!(inner.source().unwrap().to_string(), "connection reset");
    }
}

#[test]
fn the_error_of_a_lock_has_its_sources_in_its_text() {
    let text = of_lock(&error(ErrorKind::Unavailable)).to_string();
    assert_eq!(text, "failed to acquire lock: what is wrong: connection reset");
}
