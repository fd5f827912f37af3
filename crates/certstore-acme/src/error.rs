//! What can go wrong between a name and its certificate.

use std::error::Error as StdError;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. `Display` is one line and does not repeat the source; no variant holds a secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The storage failed, holds what is damaged, or the lock was lost. No certificate was ordered for it.
    Storage(certstore_core::Error),
    /// The ACME CA, the way to it, or a challenge.
    Acme(certstore_instant_acme::Error),
    /// The internal authority could not sign.
    Authority {
        /// What it was doing.
        step: &'static str,
        /// What rcgen says.
        source: rcgen::Error,
    },
    /// The issuer does not give such certificates.
    Refused {
        /// The name that was asked for.
        name: String,
        /// Why, and what to do.
        why: &'static str,
    },
    /// A certificate was not revoked.
    NotRevoked {
        /// The name that it is for.
        name: String,
        /// Why, and what to do.
        why: &'static str,
    },
    /// An address cannot be listened on.
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// No issuer has given a certificate; each has said why.
    Issuers {
        /// The name that was asked for.
        name: String,
        /// The issuers in the order they were asked, with their errors.
        errors: Vec<(String, Error)>,
    },
}

impl Error {
    /// Whether the same may succeed later without anybody's doing: a storage or a CA that is down, a rate limit.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Storage(error) => error.is_retryable(),
            Self::Acme(error) => error.is_retryable(),
            Self::Authority { .. }
            | Self::Refused { .. }
            | Self::NotRevoked { .. }
            | Self::Listen { .. } => false,
            Self::Issuers { errors, .. } => errors.iter().any(|(_, error)| error.is_retryable()),
        }
    }
}

impl Error {
    /// How long the CA wants to be left alone, where it refused and said so; of several issuers, until the first of them may be
    /// asked again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Acme(error) => error.retry_after(),
            Self::Issuers { errors, .. } => {
                let waits = errors.iter().map(|(_, error)| error.retry_after());
                waits.min().flatten()
            }
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage(_) => f.write_str("the storage of the certificates failed"),
            Self::Acme(_) => f.write_str("the certificate authority gave no certificate"),
            Self::Authority { step, .. } => write!(f, "the internal authority could not {step}"),
            Self::Refused { name, why } => write!(f, "no certificate for {name}: {why}"),
            Self::NotRevoked { name, why } => {
                write!(f, "the certificate for {name} is not revoked: {why}")
            }
            Self::Listen { address, source } => {
                write!(f, "cannot listen on {address}")?;
                match source.kind() {
                    std::io::ErrorKind::AddrInUse => {
                        f.write_str(": another program does; stop it, or choose another port")
                    }
                    std::io::ErrorKind::PermissionDenied => {
                        f.write_str(": ports below 1024 are for root; choose another port")
                    }
                    _ => Ok(()),
                }
            }
            Self::Issuers { name, errors } => {
                write!(f, "no issuer gave a certificate for {name}")?;
                for (at, (issuer, error)) in errors.iter().enumerate() {
                    let mark = if at == 0 { ": " } else { "; " };
                    write!(f, "{mark}{issuer}: {}", Line(error))?;
                }
                Ok(())
            }
        }
    }
}

/// An error with its sources in one line: several cannot each be a source.
struct Line<'a>(&'a Error);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Storage(error) => Some(error),
            Self::Acme(error) => Some(error),
            Self::Authority { source, .. } => Some(source),
            Self::Listen { source, .. } => Some(source),
            Self::Refused { .. } | Self::NotRevoked { .. } | Self::Issuers { .. } => None,
        }
    }
}

impl From<certstore_core::Error> for Error {
    fn from(error: certstore_core::Error) -> Self {
        Self::Storage(error)
    }
}

impl From<certstore_instant_acme::Error> for Error {
    fn from(error: certstore_instant_acme::Error) -> Self {
        match error {
            certstore_instant_acme::Error::Storage(error) => Self::Storage(error),
            other => Self::Acme(other),
        }
    }
}
