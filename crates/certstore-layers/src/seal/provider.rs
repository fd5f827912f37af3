//! Where keysets come from.

use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;
use certstore_core::{Error, ErrorKind, Result};
use zeroize::Zeroizing;

use super::keyset::Keyset;

/// Gives the keyset of a store: from a file, from the environment, or from wherever else a program keeps it.
///
/// A key management service fits behind it: keep the keyset encrypted, let the service decrypt it here, and parse the
/// answer with [`Keyset::from_json`]. That is one call a start, and none on the way of a value.
#[async_trait]
pub trait KeyProvider: fmt::Debug + Send + Sync {
    /// The keyset as it is now.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: there is none, or it is none. [`ErrorKind::PermissionDenied`]: it is not this user's.
    /// [`ErrorKind::Unavailable`]: a service did not answer.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    async fn keyset(&self) -> Result<Keyset>;
}

/// A keyset in a file, in the clear; see [`Keyset::load`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileKeys {
    path: PathBuf,
}

impl FileKeys {
    /// The keyset in the file at `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

#[async_trait]
impl KeyProvider for FileKeys {
    async fn keyset(&self) -> Result<Keyset> {
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || Keyset::load(&path)).await;
        read.map_err(|stopped| {
            Error::new(ErrorKind::Other, "reading was stopped with its runtime")
                .with_operation("read keyset")
                .with_subject(self.path.display().to_string())
                .with_source(stopped)
        })?
    }
}

/// A keyset in an environment variable, as JSON in the clear.
///
/// Other programs of the same user can read a process's environment, and so can its children: prefer a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentKeys {
    variable: String,
}

impl EnvironmentKeys {
    /// The keyset in the variable of that name.
    #[must_use]
    pub fn new(variable: impl Into<String>) -> Self {
        Self { variable: variable.into() }
    }
}

#[async_trait]
impl KeyProvider for EnvironmentKeys {
    async fn keyset(&self) -> Result<Keyset> {
        let wrong = |message: String| {
            Error::new(ErrorKind::InvalidConfig, message)
                .with_operation("read keyset")
                .with_subject(format!("${}", self.variable))
        };
        let json = std::env::var(&self.variable)
            .map(Zeroizing::new)
            .map_err(|_| wrong("the variable is not set, or no text".to_owned()))?;
        Keyset::from_json(json.as_bytes()).map_err(|error| wrong(error.message().to_owned()))
    }
}

#[cfg(test)]
#[path = "provider_tests.rs"]
mod tests;
