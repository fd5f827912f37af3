//! The configuration of an OSS storage: plain data, from code or a URL.

use std::path::PathBuf;
use std::time::Duration;

use certstore_core::{Error, Result, Secret};
use certstore_objects::location::{self, UrlForm};

use crate::endpoint::Endpoint;
use crate::error::{BACKEND, invalid_config};
use crate::options::OPTIONS;

/// The scheme of the URLs that [`OssConfig::from_url`] reads.
pub const SCHEME: &str = "oss";

const URL: UrlForm = UrlForm {
    scheme: SCHEME,
    named: "an OSS storage is named by oss://bucket/prefix",
    url: "an oss: URL",
    credentials: "give access_key_id and access_key_secret, or let them come from the environment",
};

/// Which bucket, how it is reached, and how long things may take.
///
/// Where no credentials are given, they come from where Alibaba's programs find them: `OSS_ACCESS_KEY_ID`,
/// `OSS_ACCESS_KEY_SECRET` and `OSS_SESSION_TOKEN`, the same of `ALIBABA_CLOUD_`, the profile files, a role, instance
/// metadata.
///
/// ```
/// use certstore_oss::OssConfig;
/// let config = OssConfig::from_url("oss://certs/prod?region=cn-hangzhou&lease=20s")?;
/// assert_eq!((config.bucket.as_str(), config.prefix.as_str()), ("certs", "prod"));
/// # Ok::<(), certstore_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OssConfig {
    /// The bucket. It must exist.
    pub bucket: String,
    /// What all object names begin with, without slashes at its ends; empty for none. At most 512 bytes.
    pub prefix: String,
    /// The region, like `cn-hangzhou`; `None`: the one in the endpoint's name.
    pub region: Option<String>,
    /// The server, as `https://host[:port]` or only its name; `None`: the region's public one.
    pub endpoint: Option<String>,
    /// Where the bucket stands. Default: [`Addressing::Auto`].
    pub addressing: Addressing,
    /// How requests are signed. Default: [`Signature::V4`].
    pub signature: Signature,
    /// The access key's id. With [`access_key_secret`](Self::access_key_secret) it wins over every other source.
    pub access_key_id: Option<Secret>,
    /// The access key's secret.
    pub access_key_secret: Option<Secret>,
    /// The token of temporary credentials (STS).
    pub session_token: Option<Secret>,
    /// A PEM file with the certificates that the endpoint's is checked against, in place of the system's.
    pub ca_cert: Option<PathBuf>,
    /// How long a connection may take. Default: 5 s.
    pub connect_timeout: Duration,
    /// How long a call's requests may take, retries and the value included; of a list, each page. Default: 10 s.
    pub timeout: Duration,
    /// How long a lock outlives a dead holder, from 100 ms to 24 h. `None`: 30 s; with [`LockMode::CertmagicOss`] 45 s,
    /// and there at most that.
    pub lease: Option<Duration>,
    /// The shortest time between two looks at a held lock. Default: 100 ms.
    pub poll_min: Duration,
    /// The longest time between two looks at a held lock. Default: 2 s.
    pub poll_max: Duration,
    /// How often a lock goes to the next task of this process before other processes get their chance. Default: 8.
    pub handovers: u32,
    /// How locks are kept. Default: [`LockMode::Append`].
    pub lock_mode: LockMode,
    /// With [`LockMode::CertmagicOss`]: the age at which the other programs take a lock for dead, as their
    /// `lock_expiration` says. Here it takes a minute more. Default: 5 min.
    pub lock_expiration: Duration,
    /// With [`LockMode::CertmagicOss`]: the time between two looks at a held lock. Default: 1 s.
    pub lock_poll_interval: Duration,
    /// The size in bytes at which the log of a lock is ended and another one begun, from 4 KiB to 16 MiB. Default:
    /// 1 MiB.
    pub rotate_at: u64,
}

/// Where the bucket stands in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Addressing {
    /// In the path when the endpoint is an IP address or `localhost`, else before the host's name.
    #[default]
    Auto,
    /// In the path.
    Path,
    /// Before the host's name, as OSS itself wants it.
    Virtual,
}

/// How requests are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Signature {
    /// Version 4, with a region.
    #[default]
    V4,
    /// Version 1, for old buckets and servers.
    V1,
}

/// How locks are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LockMode {
    /// As leases in logs that grow by AppendObject on their exact length.
    #[default]
    Append,
    /// As certmagic-oss keeps them, to share them with Caddy nodes that use it. Weak: two can hold such a lock after one
    /// of them was slow, and there are no tokens that a write could be checked by.
    CertmagicOss,
}

impl OssConfig {
    /// The defaults, for a bucket without a prefix.
    #[must_use]
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            prefix: String::new(),
            region: None,
            endpoint: None,
            addressing: Addressing::Auto,
            signature: Signature::V4,
            access_key_id: None,
            access_key_secret: None,
            session_token: None,
            ca_cert: None,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            lease: None,
            poll_min: Duration::from_millis(100),
            poll_max: Duration::from_secs(2),
            handovers: 8,
            lock_mode: LockMode::Append,
            lock_expiration: Duration::from_secs(5 * 60),
            lock_poll_interval: Duration::from_secs(1),
            rotate_at: 1 << 20,
        }
    }

    /// Reads `oss://bucket/prefix?key=value&...`; path and values are percent-decoded, keys are those of
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
    /// durations like `15s`, for `addressing` `auto`, `path` or `virtual`, for `signature` `v4` or `v1`, and for
    /// `lock_mode` `append` or `certmagic-oss`.
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

    /// The lease that is in force.
    pub(crate) fn lease(&self) -> Duration {
        self.lease.unwrap_or(match self.lock_mode {
            LockMode::Append => Duration::from_secs(30),
            LockMode::CertmagicOss => MAX_PEER_LEASE,
        })
    }

    /// Checks what can be wrong without asking anybody; opening does so first.
    ///
    /// # Errors
    /// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig), naming the option.
    pub fn check(&self) -> Result<()> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.bucket.is_empty() {
            return Err(invalid_config(
                "no bucket is given; set bucket, or write oss://bucket/prefix",
            ));
        }
        // https://www.alibabacloud.com/help/en/oss/user-guide/bucket-naming-conventions
        if !(3..=63).contains(&self.bucket.len()) || !self.bucket.chars().all(plain) {
            return Err(invalid_config("bucket has 3 to 63 characters of a-z 0-9 and -"));
        }
        check_prefix(&self.prefix)?;
        Endpoint::of(self)?;
        self.check_credentials()?;
        self.check_times()
    }

    fn check_credentials(&self) -> Result<()> {
        let message = match (&self.access_key_id, &self.access_key_secret, &self.session_token) {
            (Some(_), None, _) => "access_key_id is given without access_key_secret",
            (None, Some(_), _) => "access_key_secret is given without access_key_id",
            (None, None, Some(_)) => {
                "session_token is given without access_key_id and access_key_secret"
            }
            _ => return Ok(()),
        };
        Err(invalid_config(message))
    }

    fn check_times(&self) -> Result<()> {
        if self.connect_timeout.is_zero() || self.timeout.is_zero() {
            return Err(invalid_config("connect_timeout and timeout are over zero"));
        }
        if !(4 << 10..=16 << 20).contains(&self.rotate_at) {
            return Err(invalid_config("rotate_at is a number of bytes from 4096 to 16777216"));
        }
        if self.lock_mode == LockMode::Append {
            return Ok(());
        }
        if self.lease() > MAX_PEER_LEASE {
            return Err(invalid_config(
                "with lock_mode certmagic-oss a lease has at most 45 s: the others take a lock for dead after a minute",
            ));
        }
        if self.lock_expiration < MIN_EXPIRATION {
            return Err(invalid_config("lock_expiration has at least 1 min"));
        }
        if self.lock_poll_interval.is_zero() {
            return Err(invalid_config("lock_poll_interval is over zero"));
        }
        Ok(())
    }
}

/// The longest lease on a lock that is shared with certmagic-oss. It is renewed every third of it: an object that is
/// written every 15 s is young enough for those who take one of a minute for dead.
const MAX_PEER_LEASE: Duration = Duration::from_secs(45);

/// The shortest expiry that is in use among those that share a lock with certmagic-oss.
const MIN_EXPIRATION: Duration = Duration::from_secs(60);

fn check_prefix(prefix: &str) -> Result<()> {
    location::check_prefix(prefix).map_err(|error| error.with_backend(BACKEND))?;
    if location::base(prefix).starts_with('\\') {
        return Err(invalid_config("prefix does not begin with a backslash"));
    }
    Ok(())
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
