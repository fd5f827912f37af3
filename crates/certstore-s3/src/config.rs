//! The configuration of an S3 storage: plain data, from code or a URL.

use std::path::PathBuf;
use std::time::Duration;

use certstore_core::{Error, Result, Secret};
use certstore_objects::endpoint::{is_domainless, is_http};
use certstore_objects::location::{self, UrlForm};

use crate::error::{BACKEND, invalid_config};
use crate::options::OPTIONS;

/// The scheme of the URLs that [`S3Config::from_url`] reads.
pub const SCHEME: &str = "s3";

const URL: UrlForm = UrlForm {
    scheme: SCHEME,
    named: "an S3 storage is named by s3://bucket/prefix",
    url: "an s3: URL",
    credentials: "give access_key_id and secret_access_key, or let them come from the environment",
};

/// Which bucket, how it is reached, and how long things may take.
///
/// Where no credentials are given, they come from where AWS programs find them: environment, profile, web identity,
/// container or instance metadata.
///
/// ```
/// use certstore_s3::S3Config;
/// let config = S3Config::from_url("s3://certs/prod?region=eu-west-1&lease=20s")?;
/// assert_eq!((config.bucket.as_str(), config.prefix.as_str()), ("certs", "prod"));
/// # Ok::<(), certstore_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct S3Config {
    /// The bucket. It must exist.
    pub bucket: String,
    /// What all object names begin with, without slashes at its ends; empty for none. At most 512 bytes.
    pub prefix: String,
    /// The region; `None`: `AWS_REGION`, `AWS_DEFAULT_REGION`, then the profile's.
    pub region: Option<String>,
    /// The server, as `https://host[:port]`; `None`: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, the profile's, then
    /// AWS.
    pub endpoint: Option<String>,
    /// Whether the bucket stands in the path instead of the host name; `None`: when the endpoint is an IP address or
    /// `localhost`.
    pub path_style: Option<bool>,
    /// The profile of the AWS configuration files; `None`: `AWS_PROFILE`, then `default`.
    pub profile: Option<String>,
    /// The access key's id. With [`secret_access_key`](Self::secret_access_key) it wins over every other source.
    pub access_key_id: Option<Secret>,
    /// The access key's secret.
    pub secret_access_key: Option<Secret>,
    /// The token of temporary credentials.
    pub session_token: Option<Secret>,
    /// Whether every value is written with a stamp that makes it unlike any other: true versions and fenced writes, for
    /// 32 bytes a value. Values without one are read all the same. Default: false.
    pub stamped: bool,
    /// The 32 bytes that techknowlogick/certmagic-s3 sealed its values with. Then values are opened with it, and
    /// nothing can be written: it serves to copy them elsewhere.
    pub secretbox_key: Option<Secret>,
    /// How long a connection may take. Default: 5 s.
    pub connect_timeout: Duration,
    /// How long a request may take, retries and the value included. Default: 10 s.
    pub timeout: Duration,
    /// How long a lock outlives a dead holder, from 100 ms to 24 h. Default: 30 s.
    pub lease: Duration,
    /// The shortest time between two looks at a held lock. Default: 100 ms.
    pub poll_min: Duration,
    /// The longest time between two looks at a held lock. Default: 2 s.
    pub poll_max: Duration,
    /// A PEM file with the certificates that the endpoint's is checked against, in place of the system's.
    pub ca_cert: Option<PathBuf>,
    /// When the store is tried out on its conditional writes. Default: [`Probing::Lazy`].
    pub probe: Probing,
}

/// When the store is tried out on its conditional writes, with some 180 small requests under `locks/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Probing {
    /// At the first lock or conditional write of the storage. Until then the capabilities say what S3 offers; a store
    /// that turns out not to offer it refuses those calls as unsupported.
    #[default]
    Lazy,
    /// When the storage is opened. The capabilities then say what this very store was found to offer.
    Open,
}

impl S3Config {
    /// The defaults, for a bucket without a prefix.
    #[must_use]
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            prefix: String::new(),
            region: None,
            endpoint: None,
            path_style: None,
            profile: None,
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            stamped: false,
            secretbox_key: None,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            lease: Duration::from_secs(30),
            poll_min: Duration::from_millis(100),
            poll_max: Duration::from_secs(2),
            ca_cert: None,
            probe: Probing::Lazy,
        }
    }

    /// Reads `s3://bucket/prefix?key=value&...`; path and values are percent-decoded, keys are those of
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
    /// `true` and `false`, durations like `15s`, and for `probe` `lazy` or `open`.
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

    /// Whether requests name the bucket in the path.
    pub(crate) fn is_path_style(&self, endpoint: Option<&str>) -> bool {
        self.path_style.unwrap_or_else(|| endpoint.is_some_and(is_domainless))
    }

    /// Checks what can be wrong without asking anybody; opening does so first.
    ///
    /// # Errors
    /// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig), naming the option.
    pub fn check(&self) -> Result<()> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if self.bucket.is_empty() {
            return Err(invalid_config(
                "no bucket is given; set bucket, or write s3://bucket/prefix",
            ));
        }
        if self.bucket.len() > 255 || !self.bucket.chars().all(plain) {
            return Err(invalid_config("bucket has only the characters A-Z a-z 0-9 . - _"));
        }
        location::check_prefix(&self.prefix).map_err(|error| error.with_backend(BACKEND))?;
        if self.endpoint.as_deref().is_some_and(|endpoint| !is_http(endpoint)) {
            return Err(invalid_config("endpoint is a URL like https://host:9000, without a path"));
        }
        certstore_aws::check_credentials(
            self.access_key_id.as_ref(),
            self.secret_access_key.as_ref(),
            self.session_token.as_ref(),
        )
        .map_err(|error| error.with_backend(BACKEND))?;
        if self.secretbox_key.as_ref().is_some_and(|key| key.expose().len() != 32) {
            return Err(invalid_config("secretbox_key has exactly 32 bytes"));
        }
        if self.connect_timeout.is_zero() || self.timeout.is_zero() {
            return Err(invalid_config("connect_timeout and timeout are over zero"));
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
