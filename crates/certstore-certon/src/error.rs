//! certstore's errors as certon's.

use std::io;

use certon::error::StorageError;
use certstore_core::one_line;
use certstore_core::{Error, ErrorKind};

/// The error of an operation on the key that certon calls `name`.
///
/// Only what is not there is `NotFound`: certon orders a certificate then, and after no other error. Everything else is
/// `Io`, with the certstore error inside.
pub(crate) fn of_key(error: Error, name: &str) -> certon::Error {
    if error.kind() == ErrorKind::NotFound {
        return StorageError::NotFound(name.to_owned()).into();
    }
    StorageError::Io(io::Error::new(io_kind(error.kind()), error)).into()
}

/// The error of a lock, for which certon has one kind, of text.
pub(crate) fn of_lock(error: &Error) -> certon::Error {
    StorageError::LockFailed(one_line(error)).into()
}

/// The nearest kind, none of which is `NotFound`.
fn io_kind(kind: ErrorKind) -> io::ErrorKind {
    match kind {
        ErrorKind::InvalidKey | ErrorKind::InvalidConfig => io::ErrorKind::InvalidInput,
        ErrorKind::PermissionDenied => io::ErrorKind::PermissionDenied,
        ErrorKind::TooLarge => io::ErrorKind::FileTooLarge,
        ErrorKind::Unavailable => io::ErrorKind::TimedOut,
        ErrorKind::Corrupt => io::ErrorKind::InvalidData,
        ErrorKind::Unsupported => io::ErrorKind::Unsupported,
        _ => io::ErrorKind::Other,
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
