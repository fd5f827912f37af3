//! The configuration of a Secrets Manager storage: plain data, from code or a URL.

use std::path::PathBuf;
use std::time::Duration;

use certstore_core::options::{decode, query};
use certstore_core::{Error, Result, Secret};
use certstore_objects::endpoint::is_http;
use certstore_objects::location;

use crate::error::{BACKEND, invalid_config};
use crate::options::OPTIONS;

/// The scheme of the URLs that [`SecretsManagerConfig::from_url`] reads.
pub const SCHEME: &str = "secretsmanager";

/// The days that a deleted secret can be restored: the least, and the most.
pub(crate) const WINDOWS: std::ops::RangeInclusive<u32> = 7..=30;

/// The most requests a second that are counted.
const MAX_RATE: u32 = 10_000;

/// Which secrets, how they are reached, and how long things may take.
///
/// Where no credentials are given, they come from where AWS programs find them: environment, profile, web identity,
/// container or instance metadata.
///
/// ```
/// use certstore_secretsmanager::SecretsManagerConfig;
/// let config = SecretsManagerConfig::from_url("secretsmanager://prod/tls?region=eu-west-1&delete=recover")?;
/// assert_eq!(config.prefix, "prod/tls");
/// # Ok::<(), certstore_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SecretsManagerConfig {
    /// What all names of secrets begin with, without slashes at its ends; empty for none: then every secret of the
    /// account and region whose name is a key is a value. At most 256 bytes of letters, digits and `/_+=.@-`.
    pub prefix: String,
    /// The region; `None`: `AWS_REGION`, `AWS_DEFAULT_REGION`, then the profile's.
    pub region: Option<String>,
    /// The service, as `https://host[:port]`; `None`: `AWS_ENDPOINT_URL_SECRETS_MANAGER`, `AWS_ENDPOINT_URL`, the
    /// profile's, then AWS.
    pub endpoint: Option<String>,
    /// The profile of the AWS configuration files; `None`: `AWS_PROFILE`, then `default`.
    pub profile: Option<String>,
    /// The access key's id. With [`secret_access_key`](Self::secret_access_key) it wins over every other source.
    pub access_key_id: Option<Secret>,
    /// The access key's secret.
    pub secret_access_key: Option<Secret>,
    /// The token of temporary credentials.
    pub session_token: Option<Secret>,
    /// The KMS key of new secrets, by id, ARN or alias; `None`: `aws/secretsmanager`.
    pub kms_key_id: Option<String>,
    /// What becomes of deleted values. Default: [`Deleting::Force`].
    pub delete: Deleting,
    /// For how many days a deleted value can be restored with [`Deleting::Recover`], from 7 to 30. Default: 7.
    pub recovery_window: u32,
    /// How many versions this client makes of one secret within 24 hours before it refuses; 0: as many as come. The
    /// service keeps about 100. Default: 90.
    pub max_versions_per_day: u32,
    /// How many requests of each kind that writes (new versions and labels, new secrets, deletes, restores) this client
    /// sends a second; more wait for their turn. 0: as many as come. At most 10,000. Default: 50, the service's quota of an
    /// account in a region.
    pub max_writes_per_second: u32,
    /// How many pages of lists it asks for a second, in the same way. Default: 100, the service's quota.
    pub max_lists_per_second: u32,
    /// How long a connection may take. Default: 5 s.
    pub connect_timeout: Duration,
    /// How long a call about one value may take, all its requests and their retries included; of lists, deletes of
    /// directories and locks, each request. Default: 10 s.
    pub timeout: Duration,
    /// How often a request that failed or was throttled is sent again, within `timeout`. Default: 4.
    pub retries: u32,
    /// How long a lock outlives a dead holder, from 100 ms to 24 h. Default: 10 min.
    pub lease: Duration,
    /// The shortest time between two looks at a held lock. Default: 2 s.
    pub poll_min: Duration,
    /// The longest time between two looks at a held lock. Default: 5 s.
    pub poll_max: Duration,
    /// How often a lock goes from task to task of this process before others get their chance; costs no version.
    /// Default: 8.
    pub handovers: u32,
    /// A PEM file with the certificates that the endpoint's is checked against, in place of the system's.
    pub ca_cert: Option<PathBuf>,
}

/// What becomes of deleted values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Deleting {
    /// They are gone at once, and cannot be restored.
    #[default]
    Force,
    /// They can be restored for [`recovery_window`](SecretsManagerConfig::recovery_window) days, by the service's own
    /// tools: the version before the last one.
    Recover,
}

impl Default for SecretsManagerConfig {
    fn default() -> Self {
        Self::new("")
    }
}

impl SecretsManagerConfig {
    /// The defaults, under a prefix.
    #[must_use]
    pub fn new(prefix: impl Into<String>) -> Self {
        Self {
            prefix: prefix.into(),
            region: None,
            endpoint: None,
            profile: None,
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            kms_key_id: None,
            delete: Deleting::Force,
            recovery_window: *WINDOWS.start(),
            max_versions_per_day: 90,
            max_writes_per_second: 50,
            max_lists_per_second: 100,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            retries: 4,
            lease: Duration::from_secs(600),
            poll_min: Duration::from_secs(2),
            poll_max: Duration::from_secs(5),
            handovers: 8,
            ca_cert: None,
        }
    }

    /// Reads `secretsmanager://prefix?key=value&...`; path and values are percent-decoded, keys are those of
    /// [`set`](Self::set).
    ///
    /// # Errors
    /// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig): it is no such URL, or a key or value is wrong; the
    /// message says which.
    pub fn from_url(url: &str) -> Result<Self> {
        let Some(rest) = url.strip_prefix("secretsmanager://") else {
            return Err(invalid_config(
                "a Secrets Manager storage is named by secretsmanager://prefix",
            ));
        };
        let (prefix, options) = rest.split_once('?').unwrap_or((rest, ""));
        if rest.contains('#') {
            return Err(invalid_config("write # in a secretsmanager: URL as %23"));
        }
        if prefix.contains(':') {
            return Err(invalid_config(
                "a secretsmanager: URL has no credentials and no host; give access_key_id and secret_access_key, or let \
                 them come from the environment",
            ));
        }
        let parse = || {
            let mut config = Self::new(decode(prefix)?);
            for (key, value) in query(options)? {
                config.set(&key, &value)?;
            }
            Ok(config)
        };
        parse().map_err(|error: Error| error.with_backend(BACKEND))
    }

    /// Sets one option by its name, as URLs and configuration files write it: the names of this struct's fields, with
    /// numbers, durations like `15s`, and for `delete` `force` or `recover`.
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

    /// Names of secrets begin with this: the prefix without slashes at its ends, and one slash; empty without a prefix.
    pub(crate) fn base(&self) -> String {
        location::base(&self.prefix)
    }

    /// Checks what can be wrong without asking anybody; opening does so first.
    ///
    /// # Errors
    /// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig), naming the option.
    pub fn check(&self) -> Result<()> {
        check_prefix(self.prefix.trim_matches('/'))?;
        if self.endpoint.as_deref().is_some_and(|endpoint| !is_http(endpoint)) {
            return Err(invalid_config("endpoint is a URL like https://host:9000, without a path"));
        }
        certstore_aws::check_credentials(
            self.access_key_id.as_ref(),
            self.secret_access_key.as_ref(),
            self.session_token.as_ref(),
        )
        .map_err(|error| error.with_backend(BACKEND))?;
        if !WINDOWS.contains(&self.recovery_window) {
            return Err(invalid_config("recovery_window is from 7 to 30 days"));
        }
        if self.connect_timeout.is_zero() || self.timeout.is_zero() {
            return Err(invalid_config("connect_timeout and timeout are over zero"));
        }
        if self.max_writes_per_second > MAX_RATE || self.max_lists_per_second > MAX_RATE {
            return Err(invalid_config(
                "max_writes_per_second and max_lists_per_second are at most 10,000; 0 is no limit",
            ));
        }
        if self.retries > 100 {
            return Err(invalid_config("retries are at most 100"));
        }
        Ok(())
    }
}

fn check_prefix(prefix: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
    let rule = if prefix.len() > 256 {
        "prefix has at most 256 bytes"
    } else if !prefix.chars().all(allowed) {
        "prefix has only the characters A-Z a-z 0-9 / _ + = . @ -"
    } else if prefix.split('/').any(|part| matches!(part, "." | "..")) || prefix.contains("//") {
        "prefix has no component that is empty, . or .."
    } else {
        return Ok(());
    };
    Err(invalid_config(rule))
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
