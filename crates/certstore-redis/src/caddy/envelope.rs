//! What the plugin keeps at a key: one JSON object with the value and what is known of it.

use std::borrow::Cow;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certstore_core::{Error, ErrorKind, Result, Version};
use ring::digest;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The object, with its fields in the order in which the plugin writes them.
#[derive(Serialize, Deserialize)]
struct Fields<'a> {
    /// Standard base64 with padding; Go writes a nil slice as `null`.
    #[serde(default)]
    value: Option<Cow<'a, str>>,
    /// RFC 3339, with as many digits of the second as it needs, nine at most.
    #[serde(default)]
    modified: Cow<'a, str>,
    /// Of the plaintext.
    #[serde(default)]
    size: i64,
    #[serde(default)]
    compression: i64,
    #[serde(default)]
    encryption: i64,
}

/// One value as it is stored, with its flags.
#[derive(PartialEq, Eq)]
pub(super) struct Envelope {
    /// As it is stored: perhaps compressed, perhaps encrypted.
    pub(super) value: Vec<u8>,
    pub(super) modified: SystemTime,
    pub(super) size: u64,
    pub(super) compression: i64,
    pub(super) encryption: i64,
}

impl Envelope {
    pub(super) fn encode(&self) -> Result<String> {
        let unwritable = |_| Error::new(ErrorKind::Other, "the envelope cannot be written");
        let modified = OffsetDateTime::from(self.modified).format(&Rfc3339).map_err(|_| {
            Error::new(
                ErrorKind::Other,
                "this machine's clock shows a year that has not four digits",
            )
        })?;
        let fields = Fields {
            value: Some(BASE64.encode(&self.value).into()),
            modified: modified.into(),
            size: i64::try_from(self.size).unwrap_or(i64::MAX),
            compression: self.compression,
            encryption: self.encryption,
        };
        serde_json::to_string(&fields).map_err(unwritable)
    }

    /// # Errors
    /// [`ErrorKind::Corrupt`], without any of the content.
    pub(super) fn decode(stored: &[u8]) -> Result<Self> {
        let fields: Fields<'_> = serde_json::from_slice(stored).map_err(|error| {
            // Its text may repeat what is stored.
            let (line, column) = (error.line(), error.column());
            corrupt(format!(
                "it is no JSON object of caddy-storage-redis (line {line}, column {column})"
            ))
        })?;
        let value = fields.value.unwrap_or_default();
        Ok(Self {
            value: BASE64
                .decode(value.as_bytes())
                .map_err(|_| corrupt("its value is no base64"))?,
            modified: parse_time(&fields.modified)?,
            size: parse_size(fields.size)?,
            compression: fields.compression,
            encryption: fields.encryption,
        })
    }
}

/// Reads the field `modified`.
///
/// # Errors
/// [`ErrorKind::Corrupt`].
pub(super) fn parse_time(modified: &str) -> Result<SystemTime> {
    let time = OffsetDateTime::parse(modified, &Rfc3339);
    time.map(SystemTime::from)
        .map_err(|_| corrupt("its time `modified` is not as RFC 3339 writes it"))
}

/// Reads the field `size`.
///
/// # Errors
/// [`ErrorKind::Corrupt`].
pub(super) fn parse_size(size: i64) -> Result<u64> {
    u64::try_from(size).map_err(|_| corrupt("its size is negative"))
}

/// The version of a value: a digest of all that is stored, time and nonce included, which scripts can make too.
pub(super) fn version(stored: &[u8]) -> Version {
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, stored);
    let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Version::new(hex)
}

pub(super) fn corrupt(what: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the stored value is damaged: {}", what.into()))
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
