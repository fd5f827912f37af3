//! One line of the inventory, as data.

use std::time::{SystemTime, UNIX_EPOCH};

use certstore_core::Key;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Parsed;

/// Whether the private key beside a certificate belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyMatch {
    /// It does.
    Yes,
    /// It is another certificate's.
    No,
    /// There is no key beside the certificate.
    Missing,
    /// The key cannot be read; the text says why.
    Unknown(String),
}

impl KeyMatch {
    /// Whether the key belongs to the certificate; `None` where there is no key, or none that can be read.
    #[must_use]
    pub fn verdict(&self) -> Option<bool> {
        match self {
            Self::Yes => Some(true),
            Self::No => Some(false),
            Self::Missing | Self::Unknown(_) => None,
        }
    }
}

/// A certificate in a storage. As JSON one flat object that always has every field; what is not known is `null`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateRow {
    /// Where the certificate lies.
    pub certificate: Key,
    /// Where its private key lies; `None` where there is none.
    pub private_key: Option<Key>,
    /// What the certificate says; `None` when it cannot be read.
    pub details: Option<CertificateDetails>,
    /// Whether the private key belongs to it. As JSON `key_found`, and `key_matches`: `true`, `false`, or `null` where
    /// that is not known.
    pub key: KeyMatch,
    /// What is wrong with the certificate or its key, in one line.
    pub error: Option<String>,
}

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateDetails {
    /// The names it is for: its subject alternative names, else its common name.
    pub names: Vec<String>,
    /// Its common name.
    pub common_name: Option<String>,
    /// The common name of who issued it.
    pub issuer: String,
    /// Its serial number in hexadecimal.
    pub serial: String,
    /// From when it is valid, in RFC 3339, UTC.
    pub not_before: String,
    /// Until when it is valid, in RFC 3339, UTC.
    pub not_after: String,
    /// The same in seconds since 1970.
    pub not_after_unix: i64,
    /// Whole days until then, rounded down; negative once it has expired.
    pub days_left: i64,
    /// The kind of its key: `ECDSA P-256`, `RSA 2048`, `Ed25519`.
    pub key_type: String,
    /// Whether it is an authority's certificate.
    pub authority: bool,
    /// How many certificates lie in the file.
    pub chain_length: usize,
}

impl CertificateRow {
    pub(super) fn of(
        certificate: Key,
        private_key: Option<Key>,
        parsed: Parsed,
        key: KeyMatch,
        now: SystemTime,
    ) -> Self {
        let error = match &key {
            KeyMatch::Yes | KeyMatch::Missing => None,
            KeyMatch::No => Some("the private key is another certificate's".to_owned()),
            KeyMatch::Unknown(fault) => Some(format!("the private key is not usable: {fault}")),
        };
        let details = CertificateDetails {
            names: parsed.names,
            common_name: parsed.common_name,
            issuer: parsed.issuer,
            serial: parsed.serial,
            not_before: rfc3339(parsed.not_before_unix),
            not_after: rfc3339(parsed.not_after_unix),
            not_after_unix: parsed.not_after_unix,
            days_left: (parsed.not_after_unix - unix(now)).div_euclid(86_400),
            key_type: parsed.key_type,
            authority: parsed.authority,
            chain_length: parsed.chain_length,
        };
        let private_key = private_key.filter(|_| key != KeyMatch::Missing);
        Self { certificate, private_key, details: Some(details), key, error }
    }

    pub(super) fn broken(certificate: Key, fault: String) -> Self {
        let key = KeyMatch::Unknown("the certificate cannot be read".into());
        Self { certificate, private_key: None, details: None, key, error: Some(fault) }
    }

    /// Whether it expires within this many seconds of `now`, or has; true also for one that cannot be read.
    #[must_use]
    pub fn expires_within(&self, seconds: u64, now: SystemTime) -> bool {
        self.details.as_ref().is_none_or(|details| {
            let left = details.not_after_unix.saturating_sub(unix(now));
            left < i64::try_from(seconds).unwrap_or(i64::MAX)
        })
    }
}

fn unix(time: SystemTime) -> i64 {
    let since =
        |duration: std::time::Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    time.duration_since(UNIX_EPOCH).map_or_else(|before| -since(before.duration()), since)
}

fn rfc3339(unix: i64) -> String {
    let shown =
        OffsetDateTime::from_unix_timestamp(unix).ok().and_then(|time| time.format(&Rfc3339).ok());
    shown.unwrap_or_else(|| format!("@{unix}"))
}

impl Serialize for CertificateRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let details = self.details.as_ref();
        let mut row = serializer.serialize_struct("Certificate", 15)?;
        row.serialize_field("names", details.map_or(&[][..], |details| &details.names))?;
        row.serialize_field(
            "common_name",
            &details.and_then(|details| details.common_name.as_deref()),
        )?;
        row.serialize_field("issuer", &details.map(|details| &details.issuer))?;
        row.serialize_field("serial", &details.map(|details| &details.serial))?;
        row.serialize_field("not_before", &details.map(|details| &details.not_before))?;
        row.serialize_field("not_after", &details.map(|details| &details.not_after))?;
        row.serialize_field("days_left", &details.map(|details| details.days_left))?;
        row.serialize_field("key_type", &details.map(|details| &details.key_type))?;
        row.serialize_field("authority", &details.map(|details| details.authority))?;
        row.serialize_field("chain_length", &details.map(|details| details.chain_length))?;
        row.serialize_field("key_found", &self.private_key.is_some())?;
        row.serialize_field("key_matches", &self.key.verdict())?;
        row.serialize_field("certificate", self.certificate.as_str())?;
        row.serialize_field("private_key", &self.private_key.as_ref().map(Key::as_str))?;
        row.serialize_field("error", &self.error)?;
        row.end()
    }
}
