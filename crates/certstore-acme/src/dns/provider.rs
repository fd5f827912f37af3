//! Who changes a zone.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::DnsError;

/// A TXT record of a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TxtRecord {
    /// Its whole name, without a dot at the end: `_acme-challenge.www.example.com`.
    pub name: String,
    /// Its value. Others may be at the same name, as for `example.com` and `*.example.com`.
    pub value: String,
    /// How long others may keep it; some providers have a minimum of their own.
    pub ttl: Duration,
}

impl TxtRecord {
    /// One that may be kept for a minute.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), ttl: Duration::from_secs(60) }
    }
}

/// Changes a zone of the DNS, by whatever means its keeper offers.
#[async_trait]
pub trait DnsProvider: fmt::Debug + Send + Sync {
    /// The zone that a name lies in, without a dot at the end, where the provider knows; `None`: it is found by the DNS, at
    /// the nearest SOA record above the name.
    ///
    /// # Errors
    /// Of the provider.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    async fn zone(&self, name: &str) -> Result<Option<String>, DnsError> {
        let _ = name;
        Ok(None)
    }

    /// Adds the record, and leaves the others at its name. One that is there already is no error.
    ///
    /// # Errors
    /// Of the provider; the record may be there all the same.
    ///
    /// # Cancel safety
    /// Dropped, the record is there or not; adding it again is no error.
    async fn present(&self, zone: &str, record: &TxtRecord) -> Result<(), DnsError>;

    /// Removes just this record, and leaves the others at its name. One that is not there is no error.
    ///
    /// # Errors
    /// Of the provider; the record may be gone all the same.
    ///
    /// # Cancel safety
    /// Dropped, the record is there or not; removing it again is no error.
    async fn remove(&self, zone: &str, record: &TxtRecord) -> Result<(), DnsError>;
}
