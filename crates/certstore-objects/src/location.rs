//! Where a storage lies: `scheme://bucket/prefix?option=value`, and what a prefix may be.

use certstore_core::options::{decode, query};
use certstore_core::{Error, ErrorKind, Result};

/// The longest prefix, in bytes.
const MAX_PREFIX: usize = 512;

/// How the URLs of a backend are written, and what is said of others.
#[derive(Debug, Clone, Copy)]
pub struct UrlForm {
    /// The scheme, without the colon.
    pub scheme: &'static str,
    /// What is said to who writes another: how the storage is named.
    pub named: &'static str,
    /// The kind of URL in the middle of a sentence, as `an s3: URL`.
    pub url: &'static str,
    /// What to do instead of writing credentials into the URL.
    pub credentials: &'static str,
}

/// A URL, taken apart and decoded.
#[derive(Clone)]
pub struct Location {
    /// The bucket.
    pub bucket: String,
    /// What all object names begin with.
    pub prefix: String,
    /// Names and values of the options; a value may be a secret.
    pub options: Vec<(String, String)>,
}

/// Without the options, whose values may be secrets.
impl std::fmt::Debug for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { bucket, prefix, .. } = self;
        f.debug_struct("Location")
            .field("bucket", bucket)
            .field("prefix", prefix)
            .finish_non_exhaustive()
    }
}

impl UrlForm {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: it is of another form.
    pub fn parse(&self, url: &str) -> Result<Location> {
        let invalid = |message: String| Err(Error::new(ErrorKind::InvalidConfig, message));
        let scheme = url.strip_prefix(self.scheme).and_then(|rest| rest.strip_prefix("://"));
        let Some(rest) = scheme else { return invalid(self.named.to_owned()) };
        let (location, options) = rest.split_once('?').unwrap_or((rest, ""));
        if rest.contains('#') {
            return invalid(format!("write # in {} as %23", self.url));
        }
        let (bucket, prefix) = location.split_once('/').unwrap_or((location, ""));
        if bucket.contains('@') {
            return invalid(format!(
                "{} has no credentials before the bucket; {}",
                self.url, self.credentials
            ));
        }
        Ok(Location { bucket: decode(bucket)?, prefix: decode(prefix)?, options: query(options)? })
    }
}

/// What object names begin with: the prefix without slashes at its ends, and one slash; empty without a prefix.
#[must_use]
pub fn base(prefix: &str) -> String {
    match prefix.trim_matches('/') {
        "" => String::new(),
        prefix => format!("{prefix}/"),
    }
}

/// Checks a prefix, whose slashes at its ends do not count: at most 512 bytes, no control characters, no component that
/// is empty, `.` or `..`.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`], naming the rule.
pub fn check_prefix(prefix: &str) -> Result<()> {
    let prefix = prefix.trim_matches('/');
    let rule = if prefix.len() > MAX_PREFIX {
        "prefix has at most 512 bytes"
    } else if prefix.chars().any(char::is_control) {
        "prefix has no control characters"
    } else if prefix.split('/').any(|part| matches!(part, "." | "..")) || prefix.contains("//") {
        "prefix has no component that is empty, . or .."
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::InvalidConfig, rule))
}

#[cfg(test)]
#[path = "location_tests.rs"]
mod tests;
