//! How one server is reached.

use std::path::PathBuf;

use certstore_core::Secret;

/// A server, a user and a database. What is `None` comes from libpq's environment variables, then from its defaults.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Address {
    /// The host's name or address, or the directory of the server's Unix socket (beginning with `/`).
    pub host: Option<String>,
    /// The port. Default: 5432.
    pub port: Option<u16>,
    /// The role.
    pub user: Option<String>,
    /// The role's password.
    pub password: Option<Secret>,
    /// The database. Default: named like the user.
    pub database: Option<String>,
    /// Whether the connection is encrypted and the server's name checked. Default: [`SslMode::Prefer`].
    pub ssl_mode: Option<SslMode>,
    /// A PEM file of the client's certificate.
    pub client_cert: Option<PathBuf>,
    /// A PEM file of the client's private key.
    pub client_key: Option<PathBuf>,
    /// The name that the server's lists show for the connections. Default: `certstore`.
    pub application_name: Option<String>,
}

/// Whether a connection is encrypted and the server's name checked, as libpq's `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SslMode {
    /// Never encrypted.
    Disable,
    /// Encrypted only if the server insists.
    Allow,
    /// Encrypted if the server offers it.
    Prefer,
    /// Encrypted, whoever the server is.
    Require,
    /// Encrypted, and the server's certificate comes from a trusted authority.
    VerifyCa,
    /// As `VerifyCa`, and the certificate names the host.
    VerifyFull,
}

impl SslMode {
    pub(super) const NAMES: [(&'static str, Self); 6] = [
        ("disable", Self::Disable),
        ("allow", Self::Allow),
        ("prefer", Self::Prefer),
        ("require", Self::Require),
        ("verify-ca", Self::VerifyCa),
        ("verify-full", Self::VerifyFull),
    ];
}

impl Address {
    /// This address, with what it leaves out taken from `other`: for a second way to the same database.
    pub(crate) fn or(&self, other: &Self) -> Self {
        let mine = self.clone();
        Self {
            host: mine.host.or_else(|| other.host.clone()),
            port: mine.port.or(other.port),
            user: mine.user.or_else(|| other.user.clone()),
            password: mine.password.or_else(|| other.password.clone()),
            database: mine.database.or_else(|| other.database.clone()),
            ssl_mode: mine.ssl_mode.or(other.ssl_mode),
            client_cert: mine.client_cert.or_else(|| other.client_cert.clone()),
            client_key: mine.client_key.or_else(|| other.client_key.clone()),
            application_name: mine.application_name.or_else(|| other.application_name.clone()),
        }
    }
}
