//! The one error type: what happened, where, and what the caller can do about it.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use crate::{Key, LockName};

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about an [`Error`]. Coarse on purpose; details stand in the message and the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no value at the key. Nothing is wrong with the storage.
    NotFound,
    /// The key or lock name breaks a rule; the message says which. Change the name.
    InvalidKey,
    /// The configuration is wrong; the message says what to change.
    InvalidConfig,
    /// The storage refuses this identity. Fix the permissions.
    PermissionDenied,
    /// The condition did not hold, or the key is a directory: somebody else was first. Read again and decide anew.
    Conflict,
    /// A newer lock holder has written. Stop: this process must not write any more under its lock.
    Fenced,
    /// The lock is not held any more. Stop what it protected.
    LockLost,
    /// The value is over the backend's limit; the old value stands.
    TooLarge,
    /// The storage did not answer in time or is down. Retry later.
    Unavailable,
    /// What is stored is not what was written: damaged, truncated or sealed with another key.
    Corrupt,
    /// The backend does not offer this, as its [`Capabilities`](crate::Capabilities) say. Nothing was changed.
    Unsupported,
    /// Anything else; see the message and the source.
    Other,
}

impl ErrorKind {
    /// The kind as lower-case words, as the CLI prints it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not found",
            Self::InvalidKey => "invalid key",
            Self::InvalidConfig => "invalid config",
            Self::PermissionDenied => "permission denied",
            Self::Conflict => "conflict",
            Self::Fenced => "fenced",
            Self::LockLost => "lock lost",
            Self::TooLarge => "too large",
            Self::Unavailable => "unavailable",
            Self::Corrupt => "corrupt",
            Self::Unsupported => "unsupported",
            Self::Other => "error",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What went wrong: kind, operation, key or lock name, backend, message, source.
///
/// * **\[ERROR-1\]** `Display` is one line and never repeats the source; walk [`std::error::Error::source`] for the rest.
/// * **\[ERROR-2\]** An error of an operation on a key or a lock names the operation, the key or lock, and the backend.
///
/// ```
/// use certstore_core::{Error, ErrorKind, Key};
/// let key = Key::new("a/b")?;
/// let error = Error::new(ErrorKind::NotFound, "no value is stored here").with_operation("load").with_key(&key);
/// assert_eq!(error.to_string(), "cannot load \"a/b\": no value is stored here");
/// # Ok::<(), Error>(())
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: Option<&'static str>,
    subject: Option<String>,
    backend: Option<&'static str>,
    message: Cow<'static, str>,
    may_have_applied: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`. `message` is one short line that says what is wrong and, where that helps, what to do;
    /// it must not hold secrets nor repeat the source.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            operation: None,
            subject: None,
            backend: None,
            message: message.into(),
            may_have_applied: false,
            source: None,
        }))
    }

    /// The error of a load or stat of a key that has no value.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(ErrorKind::NotFound, "no value is stored here")
    }

    /// The error of a call that the backend's [`Capabilities`](crate::Capabilities) do not offer.
    #[must_use]
    pub fn unsupported(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Unsupported, what)
    }

    /// Names the operation, unless one is named already.
    #[must_use]
    pub fn with_operation(mut self, operation: &'static str) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    /// Names what the operation was about, unless that is named already.
    #[must_use]
    pub fn with_subject(mut self, subject: impl Into<String>) -> Self {
        self.0.subject.get_or_insert_with(|| subject.into());
        self
    }

    /// Gives what the operation was about another name, where it has one: for layers that keep keys under other names.
    #[must_use]
    pub fn map_subject(mut self, rename: impl FnOnce(&str) -> String) -> Self {
        self.0.subject = self.0.subject.as_deref().map(rename);
        self
    }

    /// Names the key, unless a subject is named already.
    #[must_use]
    pub fn with_key(self, key: &Key) -> Self {
        self.with_subject(key.as_str())
    }

    /// Names the lock, unless a subject is named already.
    #[must_use]
    pub fn with_lock(self, name: &LockName) -> Self {
        let shown: String = name.as_str().chars().flat_map(char::escape_debug).collect();
        self.with_subject(shown)
    }

    /// Names the backend, unless one is named already.
    #[must_use]
    pub fn with_backend(mut self, backend: &'static str) -> Self {
        self.0.backend.get_or_insert(backend);
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Says whether the write that failed may take effect all the same (a lost reply, a time-out, a 5xx).
    #[must_use]
    pub fn with_may_have_applied(mut self, may_have_applied: bool) -> Self {
        self.0.may_have_applied = may_have_applied;
        self
    }

    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The operation that failed, as a verb: `store`, `load`, `lock`.
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The key or lock name that the operation was about.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// The backend that failed: `fs`, `memory`.
    #[must_use]
    pub fn backend(&self) -> Option<&'static str> {
        self.0.backend
    }

    /// The message alone, without operation, key and backend.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether the same call may well succeed later, unchanged.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.kind == ErrorKind::Unavailable
    }

    /// Whether the write that failed may have taken effect, or still may: the reply was lost. Read back to know.
    #[must_use]
    pub fn may_have_applied(&self) -> bool {
        self.0.may_have_applied
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { operation, subject, backend, message, .. } = &*self.0;
        if let Some(backend) = backend {
            write!(f, "{backend}: ")?;
        }
        match (operation, subject) {
            (Some(operation), Some(subject)) => write!(f, "cannot {operation} \"{subject}\": ")?,
            (Some(operation), None) => write!(f, "cannot {operation}: ")?,
            (None, Some(subject)) => write!(f, "\"{subject}\": ")?,
            (None, None) => {}
        }
        f.write_str(message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, may_have_applied, source, .. } = &*self.0;
        write!(f, "{kind:?}({self}")?;
        if *may_have_applied {
            f.write_str("; may have applied")?;
        }
        if let Some(source) = source {
            write!(f, "; source: {source:?}")?;
        }
        f.write_str(")")
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
