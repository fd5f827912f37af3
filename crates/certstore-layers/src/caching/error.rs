//! What can go wrong with an autocert name.

use std::error::Error as StdError;
use std::fmt;

use certstore_core::{Error, ErrorKind};

/// Which part of a caching store failed, and how.
///
/// Found in any error with [`CacheErrorKind::of`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheErrorKind {
    /// There is no value of that name. Nothing is wrong.
    CacheMiss,
    /// The store was opened read-only, and this call writes.
    ReadonlyCache,
    /// The local storage failed, or cannot have that name.
    LocalOperation,
    /// The backing storage failed, or cannot have that name.
    BackingOperation,
    /// A lock could not be had.
    LockFailed,
}

impl CacheErrorKind {
    /// The kind in words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CacheMiss => "no value has this name",
            Self::ReadonlyCache => "readonly cache",
            Self::LocalOperation => "local operation",
            Self::BackingOperation => "backing store operation",
            Self::LockFailed => "lock acquisition failed",
        }
    }

    /// The kind of the first [`CacheError`] in `error` and its sources.
    ///
    /// ```
    /// use certstore_core::{Error, ErrorKind};
    /// use certstore_layers::caching::CacheErrorKind;
    /// let error = Error::new(ErrorKind::Other, "not of a caching store");
    /// assert_eq!(CacheErrorKind::of(&error), None);
    /// ```
    #[must_use]
    pub fn of(error: &(dyn StdError + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(cause) = next {
            if let Some(found) = cause.downcast_ref::<CacheError>() {
                return Some(found.kind);
            }
            next = cause.source();
        }
        None
    }
}

impl fmt::Display for CacheErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error of the autocert form: kind, operation, name, and the storage's own error as its source.
#[derive(Debug)]
pub struct CacheError {
    kind: CacheErrorKind,
    operation: &'static str,
    name: String,
    source: Option<Error>,
}

impl CacheError {
    pub(super) fn new(kind: CacheErrorKind, operation: &'static str, name: &str) -> Self {
        // A name can be anything: shown escaped and cut, so that an error stays one line.
        let name = name.chars().take(80).flat_map(char::escape_debug).collect();
        Self { kind, operation, name, source: None }
    }

    pub(super) fn with_source(mut self, source: Error) -> Self {
        self.source = Some(source);
        self
    }

    /// An error of a storage: a miss where there is no value, else of `part`.
    pub(super) fn of_part(
        part: CacheErrorKind,
        operation: &'static str,
        name: &str,
        error: Error,
    ) -> Self {
        let missing = error.kind() == ErrorKind::NotFound;
        let kind = if missing { CacheErrorKind::CacheMiss } else { part };
        Self::new(kind, operation, name).with_source(error)
    }

    /// Which part failed, and how.
    #[must_use]
    pub fn kind(&self) -> CacheErrorKind {
        self.kind
    }

    /// The call that failed, as a verb: `get`, `put`, `delete`.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The name that the call was about, escaped.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The storage's own error, if a storage failed.
    #[must_use]
    pub fn storage_error(&self) -> Option<&Error> {
        self.source.as_ref()
    }

    /// Whether the same call may well succeed later, unchanged.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.source.as_ref().is_some_and(Error::is_retryable)
    }
}

impl fmt::Display for CacheError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} \"{}\": {}", self.operation, self.name, self.kind)
    }
}

impl StdError for CacheError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

/// The same as an error of the contract, for code that knows no other: the kind is the storage's own, the source is the
/// [`CacheError`].
impl From<CacheError> for Error {
    fn from(error: CacheError) -> Self {
        let of_storage = error.source.as_ref().map(Error::kind);
        let (kind, message) = match error.kind {
            CacheErrorKind::CacheMiss => (ErrorKind::NotFound, "no value is stored here"),
            CacheErrorKind::ReadonlyCache => {
                (ErrorKind::PermissionDenied, "opened to read only; write where it may be written")
            }
            CacheErrorKind::LocalOperation => {
                (of_storage.unwrap_or(ErrorKind::Other), "the local storage failed")
            }
            CacheErrorKind::BackingOperation => {
                (of_storage.unwrap_or(ErrorKind::Other), "the backing storage failed")
            }
            CacheErrorKind::LockFailed => {
                (of_storage.unwrap_or(ErrorKind::Unavailable), "the lock could not be had")
            }
        };
        let applied = error.source.as_ref().is_some_and(Error::may_have_applied);
        Self::new(kind, message)
            .with_operation(error.operation)
            .with_subject(error.name.clone())
            .with_may_have_applied(applied)
            .with_source(error)
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
