//! The keys in a bucket.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use certstore_core::{Error, Key, Result};

use crate::{ObjectNames, ObjectStore, Rules};

/// The keys under one prefix of a bucket.
#[derive(Debug)]
pub struct ObjectTree<S, R> {
    pub(crate) store: Arc<S>,
    pub(crate) names: ObjectNames,
    pub(crate) rules: R,
    warned_foreign: AtomicBool,
}

impl<S: ObjectStore, R: Rules> ObjectTree<S, R> {
    /// The keys of `names` in `store`. Makes no request.
    #[must_use]
    pub fn new(store: Arc<S>, names: ObjectNames, rules: R) -> Self {
        Self { store, names, rules, warned_foreign: AtomicBool::new(false) }
    }

    /// The names of the objects.
    #[must_use]
    pub fn names(&self) -> &ObjectNames {
        &self.names
    }

    /// The object of a value.
    ///
    /// # Errors
    /// [`InvalidKey`](certstore_core::ErrorKind::InvalidKey): there can be no object for this key, see [`Rules::value`].
    pub fn value(&self, key: &Key) -> Result<String> {
        self.rules.value(&self.names, key)
    }

    pub(crate) fn named(&self, error: Error) -> Error {
        error.with_backend(self.names.backend())
    }

    pub(crate) fn warn_foreign(&self, object: &str) {
        if !self.warned_foreign.swap(true, Ordering::Relaxed) {
            let name = self.names.relative(object).unwrap_or(object);
            tracing::warn!(
                name = %name.escape_debug(),
                "the bucket holds names that are no keys; they are left out of lists, and `verify` counts them"
            );
        }
    }
}
