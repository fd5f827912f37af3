//! The service's errors as errors of certstore: one function, so that each is judged once.

use certstore_core::{Error, ErrorKind};

/// A call that nobody has written yet.
pub(crate) fn not_written(operation: &'static str) -> Error {
    Error::new(ErrorKind::Other, "not written yet").with_operation(operation).with_backend(crate::BACKEND)
}
