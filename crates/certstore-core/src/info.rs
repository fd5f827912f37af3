//! What is known of a key or a lock without its value.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use crate::{FencingToken, Key};

/// An opaque version of a value, as the backend gave it. Compare for equality only.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Version(Arc<str>);

impl Version {
    /// A version as the backend writes it.
    #[must_use]
    pub fn new(version: impl Into<Arc<str>>) -> Self {
        Self(version.into())
    }

    /// The backend's text for it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({})", self.0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value with the version it was read at.
#[derive(Clone, PartialEq, Eq)]
pub struct Versioned {
    /// The value.
    pub value: Bytes,
    /// Its version.
    pub version: Version,
}

impl fmt::Debug for Versioned {
    /// The value may be a private key: only its length is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Versioned")
            .field("value", &format_args!("{} bytes", self.value.len()))
            .field("version", &self.version)
            .finish()
    }
}

/// What `stat` and `walk` tell of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyInfo {
    /// The key.
    pub key: Key,
    /// The size of the value in bytes, where known without loading it; `None` for a directory.
    pub size: Option<u64>,
    /// When it was last written, in UTC, where the backend knows. For a directory, what the backend can tell cheaply.
    pub modified: Option<SystemTime>,
    /// The version of the value, where the backend has versions; `None` for a directory.
    pub version: Option<Version>,
    /// Whether the key has a value; false for a directory.
    pub is_terminal: bool,
}

impl KeyInfo {
    /// A key with a value.
    #[must_use]
    pub fn file(key: Key) -> Self {
        Self { key, size: None, modified: None, version: None, is_terminal: true }
    }

    /// A key that only has other keys below it.
    #[must_use]
    pub fn directory(key: Key) -> Self {
        Self { key, size: None, modified: None, version: None, is_terminal: false }
    }

    /// With the size of the value in bytes.
    #[must_use]
    pub fn with_size(mut self, size: u64) -> Self {
        self.size = Some(size);
        self
    }

    /// With the time of the last write.
    #[must_use]
    pub fn with_modified(mut self, modified: SystemTime) -> Self {
        self.modified = Some(modified);
        self
    }

    /// With the version of the value.
    #[must_use]
    pub fn with_version(mut self, version: Version) -> Self {
        self.version = Some(version);
        self
    }
}

/// A change that `watch` reports.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A value was written.
    Stored(Key),
    /// A value, or a subtree, was deleted.
    Deleted(Key),
    /// Changes were missed: list again.
    Overflow,
}

/// A lock that somebody holds, or that a dead holder has left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LockInfo {
    /// The lock's name as the backend keeps it: where names are mapped (files: `Safe()`), the mapped one.
    pub name: String,
    /// The holder's token; `None` for a holder that has none (a Go process on files).
    pub token: Option<FencingToken>,
    /// The holder in words: host, process id, program. From the holder's own record, so information only.
    pub holder: Option<String>,
    /// When it was acquired, by the holder's clock. Information only: never compared.
    pub since: Option<SystemTime>,
    /// When it was last renewed, by the holder's clock. Information only: never compared.
    pub renewed: Option<SystemTime>,
    /// Whether the backend knows the holder to be alive; `None` where only waiting can tell.
    pub alive: Option<bool>,
}

impl LockInfo {
    /// A held lock of that name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            token: None,
            holder: None,
            since: None,
            renewed: None,
            alive: None,
        }
    }
}
