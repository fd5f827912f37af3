//! The configuration of a Google Cloud Storage: plain data, from code or a URL.

use std::path::PathBuf;
use std::time::Duration;

use certstore_core::{Error, Result, Secret};
use certstore_objects::endpoint::is_http;
use certstore_objects::location::{self, UrlForm};

use crate::error::{BACKEND, invalid_config};
use crate::options::OPTIONS;

/// The scheme of the URLs that [`GcsConfig::from_url`] reads.
pub const SCHEME: &str = "gs";

const URL: UrlForm = UrlForm {
    scheme: SCHEME,
    named: "a Google Cloud Storage is named by gs://bucket/prefix",
    url: "a gs: URL",
    credentials: "give credentials_file or access_token, or let them come from the environment",
};

/// Which bucket, how it is reached, and how long things may take.
///
/// Where no credentials are given, they come from where Google programs find them: `GOOGLE_APPLICATION_CREDENTIALS`,
/// gcloud's own file, the metadata server of a virtual machine.
///
/// ```
/// use certstore_gcs::GcsConfig;
/// let config = GcsConfig::from_url("gs://certs/prod?lease=20s")?;
/// assert_eq!((config.bucket.as_str(), config.prefix.as_str()), ("certs", "prod"));
/// # Ok::<(), certstore_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct GcsConfig {
    /// The bucket. It must exist.
    pub bucket: String,
    /// What all object names begin with, without slashes at its ends; empty for none. At most 512 bytes.
    pub prefix: String,
    /// The server, as `https://host[:port]`; `None`: Google's. It answers JSON and gRPC on one port.
    pub endpoint: Option<String>,
    /// A JSON file with credentials: of a service account, a user, an external account, or one that is impersonated.
    pub credentials_file: Option<PathBuf>,
    /// An OAuth access token. It is not renewed, so it serves for an hour or so.
    pub access_token: Option<Secret>,
    /// Whether requests carry no credentials, for emulators. Default: false.
    pub anonymous: bool,
    /// How long a request may take, retries and the value included. Default: 10 s.
    pub timeout: Duration,
    /// How long a lock outlives a dead holder, from 100 ms to 24 h. Under 15 s the service's limit of one write a second
    /// leaves little time for renewals. Default: 30 s.
    pub lease: Duration,
    /// The shortest time between two looks at a held lock. Default: 100 ms.
    pub poll_min: Duration,
    /// The longest time between two looks at a held lock. Default: 2 s.
    pub poll_max: Duration,
    /// How often a lock is handed to the next task of the same process, without a request, before other processes get
    /// their chance; 0 for never, at most 1,000. Default: 8.
    pub handovers: u32,
}

impl GcsConfig {
    /// The defaults, for a bucket without a prefix.
    #[must_use]
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            prefix: String::new(),
            endpoint: None,
            credentials_file: None,
            access_token: None,
            anonymous: false,
            timeout: Duration::from_secs(10),
            lease: Duration::from_secs(30),
            poll_min: Duration::from_millis(100),
            poll_max: Duration::from_secs(2),
            handovers: 8,
        }
    }

    /// Reads `gs://bucket/prefix?key=value&...`; path and values are percent-decoded, keys are those of
    /// [`set`](Self::set).
    ///
    /// # Errors
    /// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig): it is no such URL, or a key or value is wrong; the
    /// message says which.
    pub fn from_url(url: &str) -> Result<Self> {
        let parse = || {
            let location = URL.parse(url)?;
            let mut config = Self::new(location.bucket);
            config.prefix = location.prefix;
            for (key, value) in location.options {
                config.set(&key, &value)?;
            }
            Ok(config)
        };
        parse().map_err(|error: Error| error.with_backend(BACKEND))
    }

    /// Sets one option by its name, as URLs and configuration files write it: the names of this struct's fields, with
    /// `true` and `false`, and durations like `15s`.
    ///
    /// # Errors
    /// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig): no such option, naming the nearest one, or a wrong
    /// value, naming the right ones.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        OPTIONS.set(self, key, value).map_err(|error| error.with_backend(BACKEND))
    }

    /// The names of all options, as [`set`](Self::set) takes them.
    pub fn option_names() -> impl Iterator<Item = &'static str> {
        OPTIONS.names()
    }

    /// Object names begin with this: the prefix without slashes at its ends, and one slash; empty without a prefix.
    pub(crate) fn base(&self) -> String {
        location::base(&self.prefix)
    }

    /// Checks what can be wrong without asking anybody; opening does so first.
    ///
    /// # Errors
    /// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig), naming the option.
    pub fn check(&self) -> Result<()> {
        let plain =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
        if self.bucket.is_empty() {
            return Err(invalid_config(
                "no bucket is given; set bucket, or write gs://bucket/prefix",
            ));
        }
        if self.bucket.len() > 222 || !self.bucket.chars().all(plain) {
            return Err(invalid_config("bucket has only the characters a-z 0-9 . - _"));
        }
        check_prefix(&self.prefix)?;
        if self.endpoint.as_deref().is_some_and(|endpoint| !is_http(endpoint)) {
            return Err(invalid_config("endpoint is a URL like https://host:4443, without a path"));
        }
        let given = [self.credentials_file.is_some(), self.access_token.is_some(), self.anonymous];
        if given.into_iter().filter(|given| *given).count() > 1 {
            return Err(invalid_config(
                "only one of credentials_file, access_token and anonymous can be given",
            ));
        }
        let unlike = |token: &Secret| !token.expose().bytes().all(|byte| byte.is_ascii_graphic());
        if self.access_token.as_ref().is_some_and(unlike) {
            return Err(invalid_config("access_token has characters that no token has"));
        }
        if self.timeout.is_zero() {
            return Err(invalid_config("timeout is over zero"));
        }
        Ok(())
    }
}

fn check_prefix(prefix: &str) -> Result<()> {
    location::check_prefix(prefix).map_err(|error| error.with_backend(BACKEND))?;
    if location::base(prefix).starts_with(".well-known/acme-challenge/") {
        return Err(invalid_config(
            "prefix does not begin with .well-known/acme-challenge, which no object's name may",
        ));
    }
    Ok(())
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
