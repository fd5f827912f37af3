//! Object names.

use certstore_core::{Error, ErrorKind, Key, Result};
use certstore_objects::{ObjectNames, Rules};

use crate::declared;
use crate::error::BACKEND;

/// The longest object name, in bytes: <https://cloud.google.com/storage/docs/objects#naming>.
pub(crate) const MAX_OBJECT: usize = 1024;

/// The names under a prefix.
pub(crate) fn names(base: &str) -> ObjectNames {
    ObjectNames::new(base, MAX_OBJECT, BACKEND)
}

/// What is peculiar to objects of Google Cloud Storage.
#[derive(Debug)]
pub(crate) struct GcsRules;

impl Rules for GcsRules {
    const MAX_JOURNAL: u64 = declared::MAX_JOURNAL;

    fn value(&self, names: &ObjectNames, key: &Key) -> Result<String> {
        names.value(key).and_then(allowed).map_err(|error| error.with_key(key))
    }
}

/// The one beginning that the service does not take: <https://cloud.google.com/storage/docs/objects#naming>.
fn allowed(object: String) -> Result<String> {
    if !object.starts_with(".well-known/acme-challenge/") {
        return Ok(object);
    }
    let message = "no object's name may begin with .well-known/acme-challenge/; set a prefix";
    Err(Error::new(ErrorKind::InvalidKey, message).with_backend(BACKEND))
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
