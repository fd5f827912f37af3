//! What can go wrong between a name and its record.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// What went wrong with DNS-01. `Display` is one line that says what to do, and does not repeat the source; no variant holds a
/// secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum DnsError {
    /// A provider cannot be set up.
    Settings {
        /// The provider.
        provider: String,
        /// What is wrong.
        why: String,
    },
    /// No zone is found for a name.
    NoZone {
        /// The name of the record.
        name: String,
    },
    /// A name could not be looked up.
    Lookup {
        /// The name.
        name: String,
        /// What the resolver says.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Whoever keeps the zone does not accept the key.
    Denied {
        /// The zone.
        zone: String,
        /// Who keeps it.
        provider: String,
    },
    /// Whoever keeps the zone does not let the key change it.
    Refused {
        /// The zone.
        zone: String,
        /// Who keeps it.
        provider: String,
        /// What it says.
        said: String,
    },
    /// Whoever keeps the zone cannot be reached, or answers what is not understood.
    Unreachable {
        /// The zone.
        zone: String,
        /// Who keeps it.
        provider: String,
        /// The cause.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The record is not on all servers of the zone.
    NotVisible {
        /// The zone.
        zone: String,
        /// The name of the record.
        name: String,
        /// The servers that do not have it, or do not answer.
        servers: Vec<String>,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The storage took no note of the record, so none was made.
    Storage(certstore_core::Error),
}

impl fmt::Display for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings { provider, why } => {
                write!(f, "the DNS provider {provider} cannot be set up: {why}")
            }
            Self::NoZone { name } => write!(
                f,
                "no zone is found for {name}: there is no SOA record at it or above; check the name and the resolvers"
            ),
            Self::Lookup { name, .. } => {
                write!(f, "{name} could not be looked up; check that the resolvers answer")
            }
            Self::Denied { zone, provider } => write!(
                f,
                "the zone {zone} was not changed: {provider} does not accept the key; check its name, algorithm and secret, and both clocks"
            ),
            Self::Refused { zone, provider, said } => write!(
                f,
                "the zone {zone} was not changed: {provider} refuses it ({said}); let the key change TXT records there"
            ),
            Self::Unreachable { zone, provider, .. } => write!(
                f,
                "the zone {zone} was not changed: {provider} cannot be reached, or answers what is not understood; check its address"
            ),
            Self::NotVisible { zone, name, servers, waited } => {
                write!(
                    f,
                    "the TXT record {name} is not on all servers of the zone {zone} after {} s; it is missing on {}; check these servers, or wait longer",
                    waited.as_secs(),
                    servers.join(", ")
                )
            }
            Self::Storage(error) => error.fmt(f),
        }
    }
}

impl StdError for DnsError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Lookup { source, .. } | Self::Unreachable { source, .. } => Some(&**source),
            Self::Storage(error) => error.source(),
            _ => None,
        }
    }
}

impl From<certstore_core::Error> for DnsError {
    fn from(error: certstore_core::Error) -> Self {
        Self::Storage(error)
    }
}
