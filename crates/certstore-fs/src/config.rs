//! The configuration of a files storage: plain data, from code or a URL.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use certstore_core::options::{self, Options};
use certstore_core::{Error, Result};

use crate::error::BACKEND;

/// The scheme of the URLs that [`FsConfig::from_url`] reads.
pub const SCHEME: &str = "file";

/// Where the files lie and how they are read.
///
/// ```
/// use certstore_fs::{FsConfig, Io};
/// let config = FsConfig::from_url("file:///var/lib/certstore?io=pool")?;
/// assert_eq!(config, FsConfig::new("/var/lib/certstore").with_io(Io::Pool));
/// # Ok::<(), certstore_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FsConfig {
    /// The directory that all keys lie in. It may be a symbolic link, which is resolved once, when the storage is opened.
    pub root: PathBuf,
    /// Whether a missing root is created, with its missing parents. Default: true.
    pub create: bool,
    /// Where reads and writes of single keys run. Default: [`Io::Inline`].
    pub io: Io,
}

/// Where reads and writes of single keys run. Lists and bundles always run in tokio's pool for blocking work; locks, which
/// take a few calls that no disk waits for, always in the calling task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Io {
    /// In the calling task: right for a local disk, where a read takes microseconds. Writes, too, run there while they
    /// take less than a millisecond, and in the pool else.
    #[default]
    Inline,
    /// In tokio's pool for blocking work: right for a network mount, where a read can take seconds.
    Pool,
}

impl FsConfig {
    /// The defaults, for files in `root`.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), create: true, io: Io::default() }
    }

    /// With `create`: whether a missing root is created.
    #[must_use]
    pub fn with_create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// With `io`: where reads and writes of single keys run.
    #[must_use]
    pub fn with_io(mut self, io: Io) -> Self {
        self.io = io;
        self
    }

    /// Reads `file:///absolute/path?key=value&...`; path and values are percent-decoded, keys are those of
    /// [`set`](Self::set).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`](certstore_core::ErrorKind::InvalidConfig): it is no such URL, or a key or value is wrong; the message says which.
    pub fn from_url(url: &str) -> Result<Self> {
        let Some(rest) = url.strip_prefix("file:") else {
            return Err(invalid("a files storage is named by file:///absolute/path"));
        };
        let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = match location.strip_prefix("//") {
            None => location,
            Some(rest) => rest.strip_prefix("localhost").unwrap_or(rest),
        };
        if !path.starts_with('/') {
            return Err(invalid(
                "the path of a file: URL is absolute: file:///absolute/path, with three slashes",
            ));
        }
        if path.contains('#') {
            return Err(invalid("write # in a file: URL as %23"));
        }
        let named = |error: Error| error.with_backend(BACKEND);
        let path = options::decode_bytes(path).map_err(named)?;
        if path.contains(&0) {
            return Err(invalid("a path has no NUL (%00)"));
        }
        let mut config = Self::new(PathBuf::from(OsString::from_vec(path)));
        for (key, value) in options::query(query).map_err(named)? {
            config.set(&key, &value)?;
        }
        Ok(config)
    }

    /// Sets one option by its name, as URLs and configuration files write it: `create` (`true` or `false`), `io`
    /// (`inline` or `pool`).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`](certstore_core::ErrorKind::InvalidConfig): no such option, naming the nearest one, or a wrong value, naming the right ones.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        OPTIONS.set(self, key, value).map_err(|error| error.with_backend(BACKEND))
    }
}

const OPTIONS: Options<FsConfig> = Options::new(
    "a files storage",
    &[
        ("create", |config, value| {
            config.create = options::flag("create", value)?;
            Ok(())
        }),
        ("io", |config, value| {
            let choices = [("inline", Io::Inline), ("pool", Io::Pool)];
            config.io = options::one_of("io", value, &choices)?;
            Ok(())
        }),
    ],
);

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    options::invalid(message).with_backend(BACKEND)
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
