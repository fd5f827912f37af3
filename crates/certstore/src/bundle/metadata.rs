//! What CertMagic keeps beside a certificate.

use certstore_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Map, Value};

/// The JSON beside a certificate, as CertMagic's `CertificateResource`: the names it is for, and what its issuer needs to
/// renew it. Fields that this version does not know are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BundleMetadata {
    /// The names the certificate is for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sans: Vec<String>,
    /// What the issuer keeps: of an ACME CA `url`, `ca`, `account` and `renewal_info`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_data: Option<Value>,
    /// Other fields.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

impl BundleMetadata {
    /// That of a certificate for these names.
    #[must_use]
    pub fn for_names<T: Into<String>>(names: impl IntoIterator<Item = T>) -> Self {
        Self { sans: names.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// With what the issuer keeps.
    #[must_use]
    pub fn with_issuer_data(mut self, data: Value) -> Self {
        self.issuer_data = Some(data);
        self
    }

    /// Reads it from JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: it is no JSON of that form.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        serde_json::from_slice(json).map_err(|error| {
            Error::new(ErrorKind::Corrupt, "the metadata beside the certificate cannot be read")
                .with_source(error)
        })
    }

    /// As JSON the way Go writes it: indented by tabs, no line end after it, `<`, `>` and `&` escaped.
    ///
    /// # Errors
    /// [`ErrorKind::Other`]: never for what came from JSON.
    pub fn to_json(&self) -> Result<String> {
        let mut json = Vec::new();
        let mut serializer =
            Serializer::with_formatter(&mut json, PrettyFormatter::with_indent(b"\t"));
        let written = self.serialize(&mut serializer).map_err(|error| error.to_string());
        let text = written
            .and_then(|()| String::from_utf8(json).map_err(|error| error.to_string()))
            .map_err(|error| {
                Error::new(ErrorKind::Other, "the metadata cannot be written as JSON")
                    .with_source(error)
            })?;
        // These five stand only inside strings of JSON.
        Ok(text
            .replace('<', "\\u003c")
            .replace('>', "\\u003e")
            .replace('&', "\\u0026")
            .replace('\u{2028}', "\\u2028")
            .replace('\u{2029}', "\\u2029"))
    }
}
