//! certstore's errors as certmagic's.

use certmagic::error::{Error, StorageError};
use certstore_core::ErrorKind;
use certstore_core::one_line;

/// The error of an operation on `name`, a key or a lock as certmagic calls it.
///
/// Only what is not there is `NotFound`: certmagic orders a certificate then, and after no other error. A lock that is
/// lost is not tried again, for the same acquisition cannot succeed any more.
pub(crate) fn theirs(error: &certstore_core::Error, name: &str) -> Error {
    let text = || one_line(error);
    match error.kind() {
        ErrorKind::NotFound => StorageError::NotFound(name.to_owned()).into(),
        ErrorKind::InvalidKey => StorageError::InvalidKey(text()).into(),
        ErrorKind::Conflict => StorageError::Conflict(text()).into(),
        ErrorKind::LockLost | ErrorKind::Fenced => {
            Error::from(StorageError::StaleLock(text())).no_retry()
        }
        ErrorKind::Unavailable | ErrorKind::PermissionDenied => StorageError::Io(text()).into(),
        _ => StorageError::Other(text()).into(),
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
