//! The configuration of a files storage: plain data, from code or a URL.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use certstore_core::{Error, ErrorKind, Result};

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
    /// [`ErrorKind::InvalidConfig`]: it is no such URL, or a key or value is wrong; the message says which.
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
        let mut config = Self::new(PathBuf::from(OsString::from_vec(decode(path)?)));
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = String::from_utf8(decode(value)?)
                .map_err(|_| invalid(format!("the value of {key:?} is no UTF-8")))?;
            config.set(key, &value)?;
        }
        Ok(config)
    }

    /// Sets one option by its name, as URLs and configuration files write it: `create` (`true` or `false`), `io`
    /// (`inline` or `pool`).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: no such option, naming the nearest one, or a wrong value, naming the right ones.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let Some((_, set)) = OPTIONS.iter().find(|(name, _)| *name == key) else {
            return Err(unknown(key));
        };
        set(self, value)
    }
}

type Setter = fn(&mut FsConfig, &str) -> Result<()>;

const OPTIONS: &[(&str, Setter)] = &[
    ("create", |config, value| {
        config.create = one_of("create", value, &[("true", true), ("false", false)])?;
        Ok(())
    }),
    ("io", |config, value| {
        config.io = one_of("io", value, &[("inline", Io::Inline), ("pool", Io::Pool)])?;
        Ok(())
    }),
];

fn one_of<T: Copy>(key: &str, value: &str, choices: &[(&str, T)]) -> Result<T> {
    choices.iter().find(|(name, _)| *name == value).map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        invalid(format!("{key} is {}, not {value:?}", names.join(" or ")))
    })
}

fn unknown(key: &str) -> Error {
    let nearest = OPTIONS
        .iter()
        .map(|(name, _)| *name)
        .max_by(|a, b| strsim::jaro_winkler(a, key).total_cmp(&strsim::jaro_winkler(b, key)))
        .unwrap_or_default();
    invalid(format!("there is no option {key:?} of a files storage; did you mean {nearest:?}?"))
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidConfig, message).with_backend(BACKEND)
}

/// Percent-decoding: a path may be any bytes but NUL.
fn decode(text: &str) -> Result<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => hex(bytes.next())? << 4 | hex(bytes.next())?,
            other => other,
        };
        if byte == 0 {
            return Err(invalid("a path has no NUL (%00)"));
        }
        decoded.push(byte);
    }
    Ok(decoded)
}

fn hex(digit: Option<u8>) -> Result<u8> {
    digit
        .and_then(|digit| char::from(digit).to_digit(16))
        .and_then(|value| u8::try_from(value).ok())
        .ok_or_else(|| {
            invalid("% in a URL is followed by two hexadecimal digits; write % itself as %25")
        })
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
