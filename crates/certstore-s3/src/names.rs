//! Object names.

use certstore_objects::ObjectNames;

use crate::error::BACKEND;

/// The longest object name of S3, in bytes: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html>.
pub(crate) const MAX_OBJECT: usize = 1024;

/// The names under a prefix.
pub(crate) fn names(base: &str) -> ObjectNames {
    ObjectNames::new(base, MAX_OBJECT, BACKEND)
}
