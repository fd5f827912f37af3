//! The configuration of a Redis storage: plain data, from code or a URL.

mod options;
mod parse;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use certstore_core::lease::LeaseConfig;
use certstore_core::options::invalid;
use certstore_core::{Error, Result, Secret};

use crate::error::BACKEND;
use options::OPTIONS;

/// The scheme of URLs of a server without TLS.
pub const SCHEME: &str = "redis";

/// The scheme of URLs of a server behind TLS.
pub const SCHEME_TLS: &str = "rediss";

/// The port where the URL names none.
const PORT: u16 = 6379;

/// The longest prefix, in bytes.
const MAX_PREFIX: usize = 256;

/// Which server keeps the values, and how it is used.
///
/// ```
/// use certstore_redis::{Mode, RedisConfig};
/// let config = RedisConfig::from_url("redis://node-1:7001?mode=cluster&nodes=node-2:7001,node-3:7001&prefix=prod")?;
/// assert_eq!(config.mode, Mode::Cluster);
/// assert_eq!(config.addresses().count(), 3);
/// # Ok::<(), certstore_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RedisConfig {
    /// The server, or the first of several. Default: 127.0.0.1:6379 where [`nodes`](Self::nodes) is empty.
    pub address: Option<Address>,
    /// More nodes of the cluster, or more sentinels: any one that answers is enough to find the others.
    pub nodes: Vec<Address>,
    /// One server, a cluster, or servers behind sentinels. Default: [`Mode::Single`].
    pub mode: Mode,
    /// The name under which the sentinels know the primary. Needed with [`Mode::Sentinel`].
    pub master: Option<String>,
    /// The number of the database. Default: 0, the only one of a cluster.
    pub db: i64,
    /// What all names in Redis begin with, so that several storages can share a server. All of a prefix lies in one slot
    /// of a cluster. 1 to 256 bytes; braces only with [`Layout::Caddy`]. Default: `certstore`.
    /// [`set`](Self::set) makes it `caddy`, the Caddy plugin's own default, where it sets that layout and no prefix.
    pub prefix: String,
    /// Whether [`set`](Self::set) has set the prefix.
    prefix_is_set: bool,
    /// How values are laid out. Default: [`Layout::Certstore`].
    pub layout: Layout,
    /// The user. Default: the server's default user.
    pub username: Option<String>,
    /// The user's password.
    pub password: Option<Secret>,
    /// The user at the sentinels.
    pub sentinel_username: Option<String>,
    /// The password at the sentinels.
    pub sentinel_password: Option<Secret>,
    /// Whether connections, those to sentinels included, use TLS. Default: false; `rediss://` sets it.
    pub tls: bool,
    /// A file of PEM certificates to trust instead of the system's. Needs [`tls`](Self::tls).
    pub ca_cert: Option<PathBuf>,
    /// A file with the client's PEM certificates. Needs [`client_key`](Self::client_key).
    pub client_cert: Option<PathBuf>,
    /// A file with the client's PEM private key.
    pub client_key: Option<PathBuf>,
    /// The longest time to connect, TLS and authentication included. Default: 5 s.
    pub connect_timeout: Duration,
    /// The longest time that any request waits for the server. Default: 3 s.
    ///
    /// Most calls are one request; a walk, and the delete of a large directory, are several.
    pub timeout: Duration,
    /// How long a lock outlives a dead holder. 100 ms to a day. Default: 15 s.
    pub lease: Duration,
    /// The shortest time between two looks at a held lock. Default: 100 ms, at most a tenth of the lease.
    pub poll_min: Option<Duration>,
    /// The longest time between two looks at a held lock. Default: 2 s, at most a tenth of the lease.
    pub poll_max: Option<Duration>,
    /// For how long after a restart or a failover of the server no lock is granted; 0 for not at all. Default: 0.
    ///
    /// A server that restarts without `appendfsync always`, or a replica that is promoted, may have lost the last
    /// moments, the record of a held lock among them: it would grant the lock a second time. With a grace of a lease,
    /// every holder from before has lost its lock by its own clock before anyone else can have it. The first use of a server
    /// counts as a restart, since it may be one that lost everything. Fenced writes are safe
    /// without it: they fail once the record is lost. The user must be allowed `INFO`.
    pub restart_grace: Duration,
    /// How a waiter learns of a release. Default: [`WakeUp::Push`].
    pub wake: WakeUp,
    /// How [`Layout::Caddy`] compresses what it writes; it reads every kind. Default: [`Compression::None`].
    pub compression: Compression,
    /// The key with which [`Layout::Caddy`] encrypts values, at least 32 bytes long. Default: none.
    pub encryption_key: Option<Secret>,
}

/// A host and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// Name, IPv4 address, or IPv6 address without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// What stands at the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Mode {
    /// One server.
    #[default]
    Single,
    /// The nodes of a cluster.
    Cluster,
    /// Sentinels, which name the primary.
    Sentinel,
}

/// How values lie in Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Layout {
    /// This crate's own: atomic writes, versions, fences.
    #[default]
    Certstore,
    /// As pberkel/caddy-storage-redis keeps them, shared with Caddy.
    Caddy,
}

impl Layout {
    /// The prefix where none is set.
    fn prefix(self) -> &'static str {
        match self {
            Self::Certstore => "certstore",
            Self::Caddy => "caddy",
        }
    }
}

/// How a waiter learns that a lock came free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WakeUp {
    /// By a message on the same connection, with polls behind it.
    #[default]
    Push,
    /// By polls alone: for a user who may not subscribe.
    None,
}

/// How the Caddy layout compresses values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// Raw DEFLATE.
    Flate,
    /// zlib.
    Zlib,
}

impl RedisConfig {
    /// The defaults, for the server at `host` and `port`.
    ///
    /// ```
    /// let config = certstore_redis::RedisConfig::new("127.0.0.1", 6379);
    /// assert_eq!(config.prefix, "certstore");
    /// ```
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { address: Some(Address { host: host.into(), port }), ..Self::default() }
    }

    /// Reads `redis://[user[:password]@]host[:port][/db][?key=value&...]`, or `rediss://...` for TLS. User, password and
    /// values are percent-decoded; the keys are those of [`set`](Self::set).
    ///
    /// # Errors
    /// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig): it is no such URL, or a key or value is wrong; the
    /// message says which.
    pub fn from_url(url: &str) -> Result<Self> {
        let mut config = Self::default();
        config.set("url", url)?;
        Ok(config)
    }

    /// Sets one option by its name, as URLs and configuration files write it: the names of the fields, and `url`.
    ///
    /// Durations are like `15s`, `250ms` or `1h30m`; `tls` is `true` or `false`; `nodes` is `host:port,host:port`.
    ///
    /// # Errors
    /// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig): no such option, naming the nearest one, or a wrong
    /// value, naming the right ones. The message never shows a value that could be a secret.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        OPTIONS.set(self, key, value).map_err(|error| error.with_backend(BACKEND))
    }

    /// The names of all options, as [`set`](Self::set) takes them.
    pub fn option_names() -> impl Iterator<Item = &'static str> {
        OPTIONS.names()
    }

    /// The nodes to ask, in order, none twice.
    pub fn addresses(&self) -> impl Iterator<Item = Address> + use<> {
        let mut found: Vec<Address> = Vec::new();
        for address in self.address.iter().chain(&self.nodes) {
            if !found.contains(address) {
                found.push(address.clone());
            }
        }
        if found.is_empty() {
            found.push(Address { host: "127.0.0.1".to_owned(), port: PORT });
        }
        found.into_iter()
    }

    /// The times of locks.
    pub(crate) fn lease_config(&self) -> Result<LeaseConfig> {
        let lease = LeaseConfig::new(self.lease)
            .map_err(|error| error.with_subject("lease").with_backend(BACKEND))?;
        let most = Duration::from_secs(2).min(self.lease / 10);
        let max = self.poll_max.unwrap_or(most);
        let min = self.poll_min.unwrap_or(Duration::from_millis(100)).min(max);
        Ok(lease.with_poll(min, max).with_handovers(0))
    }

    /// What can be told to be wrong before anything is opened.
    pub(crate) fn check(&self) -> Result<()> {
        self.lease_config()?;
        let rule = if self.prefix.is_empty() || self.prefix.len() > MAX_PREFIX {
            "prefix has 1 to 256 bytes"
        } else if self.prefix.contains('\0') {
            "prefix has no NUL"
        } else if self.layout == Layout::Certstore && self.prefix.contains(['{', '}']) {
            "prefix has no braces: they choose the slot of a cluster, and are added"
        } else if self.mode == Mode::Sentinel && self.master.is_none() {
            "mode = \"sentinel\" needs master: the name under which the sentinels know the primary"
        } else if self.mode != Mode::Sentinel && self.master.is_some() {
            "master is for mode = \"sentinel\"; set that, or remove master"
        } else if self.mode == Mode::Cluster && self.db != 0 {
            "a cluster has only database 0; remove the number from the URL"
        } else if !self.tls && (self.ca_cert.is_some() || self.client_cert.is_some()) {
            "ca_cert and client_cert need TLS; set tls = true or write rediss://"
        } else if self.client_cert.is_some() != self.client_key.is_some() {
            "client_cert and client_key belong together; set both or neither"
        } else if self.timeout.is_zero() || self.connect_timeout.is_zero() {
            "timeout and connect_timeout are longer than 0"
        } else if self.username.is_some() && self.password.is_none() {
            "username needs a password; set password"
        } else {
            return Ok(());
        };
        Err(invalid(rule).with_backend(BACKEND))
    }
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            address: None,
            nodes: Vec::new(),
            mode: Mode::default(),
            master: None,
            db: 0,
            prefix: Layout::default().prefix().to_owned(),
            prefix_is_set: false,
            layout: Layout::default(),
            username: None,
            password: None,
            sentinel_username: None,
            sentinel_password: None,
            tls: false,
            ca_cert: None,
            client_cert: None,
            client_key: None,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(3),
            lease: Duration::from_secs(15),
            poll_min: None,
            poll_max: None,
            restart_grace: Duration::ZERO,
            wake: WakeUp::default(),
            compression: Compression::default(),
            encryption_key: None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Address {
    type Err = Error;
    /// Reads `host`, `host:port`, `[ipv6]` or `[ipv6]:port`; the port is 6379 where none is named.
    fn from_str(text: &str) -> Result<Self> {
        parse::address(text, PORT).map_err(|error| error.with_backend(BACKEND))
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
