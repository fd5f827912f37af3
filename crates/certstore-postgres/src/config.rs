//! The configuration of a PostgreSQL storage: plain data, from code, a URL or a file.

mod address;
mod options;
mod url;

use std::path::PathBuf;
use std::time::Duration;

use certstore_core::{Error, ErrorKind, Result};

use crate::error::BACKEND;

pub use address::{Address, SslMode};

/// The schemes of the URLs that [`PostgresConfig::from_url`] reads.
pub const SCHEMES: [&str; 2] = ["postgres", "postgresql"];

/// Where the tables lie, how they are reached, and the times of locks and calls.
///
/// ```
/// use certstore_postgres::{PostgresConfig, SslMode};
/// let config = PostgresConfig::from_url("postgres://certs:secret@db.example:5433/fleet?sslmode=verify-full&lease=20s")?;
/// assert_eq!(config.server.host.as_deref(), Some("db.example"));
/// assert_eq!(config.server.ssl_mode, Some(SslMode::VerifyFull));
/// assert!(!format!("{config:?}").contains("secret"));
/// # Ok::<(), certstore_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PostgresConfig {
    /// The server, user and database.
    pub server: Address,
    /// The schema of the tables; `None` for the first one on the role's search path. It must exist.
    pub schema: Option<String>,
    /// What the names of the tables begin with: letters, digits and `_`, at most 40. Default: `certstore_`.
    pub table_prefix: String,
    /// Whose tables are used. Default: [`Layout::Certstore`].
    pub layout: Layout,
    /// Whether missing tables are created when the storage is opened, for which the role needs the right to create. Default:
    /// true. Without it, an administrator applies what [`PostgresStorage::schema`](crate::PostgresStorage::schema) gives.
    pub migrate: bool,
    /// The most connections that one opened storage has for values. 1 to 1,000, default 10. Locks have two more of their own,
    /// so that no call on values keeps a lock from being renewed, and one more listens while somebody waits for a lock.
    pub max_connections: u32,
    /// The limit for opening one connection. Default 5 s.
    pub connect_timeout: Duration,
    /// The limit for one call, waiting for a connection included. Default 10 s, at least 10 ms.
    pub timeout: Duration,
    /// How long a lock outlives a dead holder. Default 15 s, at least 100 ms.
    pub lease: Duration,
    /// The shortest time between two looks at a held lock; `None` for a choice by the lease.
    pub poll_min: Option<Duration>,
    /// The longest time between two looks at a held lock; `None` for a choice by the lease.
    pub poll_max: Option<Duration>,
    /// Whose clock ends a lease. Default: [`LockClock::Server`].
    pub lock_clock: LockClock,
    /// How those who wait for a lock learn of a release. Default: [`WakeUp::Listen`].
    pub wake: WakeUp,
    /// The server to listen on, where `server` is a pooler that cannot; `None` for `server` itself, or for polling behind a
    /// pooler.
    pub listen: Option<Address>,
    /// What stands between this process and the server. Default: [`Pooler::None`].
    pub pooler: Pooler,
    /// A PEM file of the authorities that the server's certificate is checked against; `None` for the system's.
    pub ca_cert: Option<PathBuf>,
}

/// Whose tables are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Layout {
    /// This project's: the whole contract.
    #[default]
    Certstore,
    /// Those of the Caddy plugin `caddy-storage-postgresql`, shared with Caddy.
    Caddy,
}

/// Whose clock ends a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LockClock {
    /// The server's: one round trip a lock, and a dead holder's lock is free at the end of its lease. A step of that clock
    /// forward can give a lock to two holders, which only fenced writes withstand.
    #[default]
    Server,
    /// Each waiter's own: it takes over what has not changed for a whole lease while it watched. No clock is compared.
    Observe,
}

/// How those who wait for a lock learn of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WakeUp {
    /// By `LISTEN` and `NOTIFY`, on one more connection that is opened when somebody first waits.
    #[default]
    Listen,
    /// By looking again.
    None,
}

/// What stands between this process and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Pooler {
    /// Nothing, or a pooler that keeps a session together.
    #[default]
    None,
    /// A pooler that may give every transaction another session, like PgBouncer with `pool_mode = transaction`.
    ///
    /// No statement is prepared: parameters travel as hexadecimal text in the statement itself, which doubles the bytes of a
    /// value on the wire and makes the server plan anew each time. Round trips stay the same.
    Transaction,
}

impl PostgresConfig {
    /// The defaults: server, user, password and database as `PGHOST`, `PGPORT`, `PGUSER`, `PGPASSWORD`, `PGDATABASE` and the
    /// password file say.
    #[must_use]
    pub fn new() -> Self {
        Self {
            server: Address::default(),
            schema: None,
            table_prefix: "certstore_".into(),
            layout: Layout::default(),
            migrate: true,
            max_connections: 10,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            lease: Duration::from_secs(15),
            poll_min: None,
            poll_max: None,
            lock_clock: LockClock::default(),
            wake: WakeUp::default(),
            listen: None,
            pooler: Pooler::default(),
            ca_cert: None,
        }
    }

    /// Reads `postgres://[user[:password]@][host][:port][/database][?key=value&...]`. All parts are percent-decoded; an `@`
    /// after the host is written `%40`. Keys are
    /// those of [`set`](Self::set) and libpq's `host`, `port`, `user`, `dbname`, `sslmode`, `sslrootcert`, `sslcert`, `sslkey`
    /// and `application_name`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: it is no such URL, or a key or value is wrong; the message says which.
    pub fn from_url(url: &str) -> Result<Self> {
        let mut config = Self::new();
        config.set("url", url)?;
        Ok(config)
    }

    /// Sets one option by its name, as URLs and configuration files write it. Times are numbers with a unit: `250ms`, `15s`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: no such option, naming the nearest one, or a wrong value, naming the right ones.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        options::set(self, key, value)
    }

    /// The names of all options, as [`set`](Self::set) takes them.
    pub fn option_names() -> impl Iterator<Item = &'static str> {
        options::names()
    }

    /// Checks what no type can.
    pub(crate) fn check(&self) -> Result<()> {
        let letters = self.table_prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !letters || self.table_prefix.len() > 40 {
            return Err(invalid("table_prefix has letters, digits and _ only, at most 40"));
        }
        if self.schema.as_ref().is_some_and(|schema| {
            // A `$` could end a quoted part of a script, or be taken for a parameter.
            schema.is_empty()
                || schema.len() > 63
                || schema.contains(|c: char| c.is_control() || c == '$')
        }) {
            return Err(invalid("schema has 1 to 63 bytes, no control characters and no $"));
        }
        if !(1..=1000).contains(&self.max_connections) {
            return Err(invalid("max_connections is a number from 1 to 1000"));
        }
        let times = Duration::from_millis(10)..=Duration::from_secs(86_400);
        if !times.contains(&self.timeout) || !times.contains(&self.connect_timeout) {
            return Err(invalid("timeout and connect_timeout have 10 ms to 24 h"));
        }
        if let (Some(min), Some(max)) = (self.poll_min, self.poll_max)
            && min > max
        {
            return Err(invalid("poll_min is at most poll_max"));
        }
        Ok(())
    }
}

impl Default for PostgresConfig {
    fn default() -> Self {
        Self::new()
    }
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidConfig, message).with_backend(BACKEND)
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
