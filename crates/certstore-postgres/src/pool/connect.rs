//! The driver's options for a server.

use std::fmt::Write as _;
use std::str::FromStr as _;

use certstore_core::{Error, ErrorKind, Result};
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::config::{Address, Pooler, PostgresConfig, SslMode};
use crate::error::BACKEND;

/// How the server of `config` is reached.
pub(super) fn options(address: &Address, config: &PostgresConfig) -> Result<PgConnectOptions> {
    // By way of a URL: only so does the driver look into the password file for the right server.
    let mut url = String::from("postgres:///?");
    let port = address.port.map(|port| port.to_string());
    let parts = [
        ("host", address.host.as_deref()),
        ("port", port.as_deref()),
        ("user", address.user.as_deref()),
        ("password", address.password.as_ref().map(|password| password.expose())),
        ("dbname", address.database.as_deref()),
    ];
    for (name, value) in parts {
        if let Some(value) = value {
            url.push_str(name);
            url.push('=');
            encode(&mut url, value);
            url.push('&');
        }
    }
    let options = PgConnectOptions::from_str(&url).map_err(|_| {
        Error::new(ErrorKind::InvalidConfig, "the driver refuses the server's address; check url")
            .with_backend(BACKEND)
    })?;
    let name = address.application_name.as_deref().unwrap_or("certstore");
    let mut options = options.application_name(name);
    if let Some(mode) = address.ssl_mode {
        options = options.ssl_mode(ssl_mode(mode));
    }
    if let Some(path) = &address.client_cert {
        options = options.ssl_client_cert(path);
    }
    if let Some(path) = &address.client_key {
        options = options.ssl_client_key(path);
    }
    if let Some(path) = &config.ca_cert {
        options = options.ssl_root_cert(path);
    }
    Ok(options)
}

/// The same for the sessions that run statements.
pub(super) fn for_statements(
    options: PgConnectOptions,
    config: &PostgresConfig,
) -> PgConnectOptions {
    // The driver's log would show whole statements, and so the values that are written into them.
    let options = options.disable_statement_logging();
    match config.pooler {
        // A pooler refuses settings that it does not know.
        Pooler::Transaction => options.extra_float_digits(None).statement_cache_capacity(0),
        // The server gives up when this process does: nothing waits for a lock on behalf of nobody.
        Pooler::None => options.options([("statement_timeout", config.timeout.as_millis())]),
    }
}

fn ssl_mode(mode: SslMode) -> PgSslMode {
    match mode {
        SslMode::Disable => PgSslMode::Disable,
        SslMode::Allow => PgSslMode::Allow,
        SslMode::Prefer => PgSslMode::Prefer,
        SslMode::Require => PgSslMode::Require,
        SslMode::VerifyCa => PgSslMode::VerifyCa,
        SslMode::VerifyFull => PgSslMode::VerifyFull,
    }
}

fn encode(url: &mut String, text: &str) {
    for byte in text.bytes() {
        // Writing to a String cannot fail.
        let _ = write!(url, "%{byte:02x}");
    }
}
