//! Keysets as JSON: Tink's `Keyset` message in the JSON form of protocol buffers, not encrypted.

use std::fmt;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use certstore_core::{Result, Secret};
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use zeroize::Zeroizing;

use super::algorithm::{KeyStatus, OutputPrefix};
use super::keyset::{Entry, Keyset, Material, invalid};
use super::proto::Message;

/// Padding is written, and not asked for: programs differ in it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const SYMMETRIC: &str = "SYMMETRIC";

/// A generous bound on the JSON of one key, so that writing never moves a buffer with keys in it.
const KEY_SPACE: usize = 512;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct KeysetJson {
    #[serde(alias = "primary_key_id")]
    primary_key_id: Option<u32>,
    key: Option<Vec<KeyJson>>,
    #[serde(alias = "encrypted_keyset")]
    encrypted_keyset: Option<serde::de::IgnoredAny>,
    #[serde(alias = "keyset_info")]
    keyset_info: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct KeyJson {
    #[serde(alias = "key_data")]
    key_data: Option<KeyDataJson>,
    status: Option<String>,
    #[serde(alias = "key_id")]
    key_id: Option<u32>,
    #[serde(alias = "output_prefix_type")]
    output_prefix_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct KeyDataJson {
    #[serde(alias = "type_url")]
    type_url: Option<String>,
    value: Option<Zeroizing<String>>,
    #[serde(alias = "key_material_type")]
    key_material_type: Option<String>,
}

impl Keyset {
    /// Parses a keyset that is not encrypted, as `tinkey` and every Tink library write it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`](certstore_core::ErrorKind::InvalidConfig), with the key and the field that are wrong, never with bytes of a key: no JSON, an
    /// encrypted keyset, an unknown field, a key of another type than AES-GCM and ChaCha20-Poly1305 or with another prefix
    /// than `TINK` and `RAW`, an id twice, no enabled primary key.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        // serde_json's own words would quote what stands there, which may be a key.
        let parsed: KeysetJson = serde_json::from_slice(json).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            invalid(match error.classify() {
                Category::Data => format!(
                    "line {line}, column {column}: a field that keysets do not have, that stands twice or has the wrong type"
                ),
                _ => format!("line {line}, column {column}: this is no JSON, or it is cut"),
            })
        })?;
        parsed.check()
    }

    /// The keyset as JSON, not encrypted: whoever has it opens everything.
    #[must_use]
    pub fn to_json(&self) -> Secret {
        // Written into a buffer that is large enough from the start: growing would leave a copy of the keys behind.
        let mut json = Zeroizing::new(Vec::with_capacity(64 + KEY_SPACE * self.keys.len()));
        let values: Vec<_> = self.keys.iter().map(Entry::encoded).collect();
        let keys = self.keys.iter().zip(&values).map(|(entry, value)| entry.written(value));
        let written = WrittenKeyset { primary_key_id: self.primary, key: keys.collect() };
        let done = serde_json::to_writer_pretty(&mut *json, &written);
        debug_assert!(done.is_ok(), "texts and numbers are JSON, and memory takes them");
        Secret::new(String::from_utf8_lossy(&json))
    }
}

impl KeysetJson {
    fn check(self) -> Result<Keyset> {
        if self.encrypted_keyset.is_some() || self.keyset_info.is_some() {
            return Err(invalid(
                "the keyset is encrypted by a key management service: bring it decrypted, as `tinkey convert-keyset` writes it".to_owned(),
            ));
        }
        let keys = self.key.unwrap_or_default();
        if keys.is_empty() {
            return Err(invalid("there is no key in it".to_owned()));
        }
        let primary = self.primary_key_id.filter(|id| *id != 0);
        let primary = primary.ok_or_else(|| invalid("primaryKeyId is missing".to_owned()))?;
        let mut keyset = Keyset { primary, keys: Vec::with_capacity(keys.len()) };
        for (index, key) in keys.into_iter().enumerate() {
            let entry = key.check(index + 1)?;
            if keyset.keys.iter().any(|other| other.id == entry.id) {
                return Err(invalid(format!("key id {} stands twice", entry.id)));
            }
            keyset.keys.push(entry);
        }
        match keyset.primary_entry() {
            Err(_) => Err(invalid(format!("primaryKeyId names key {primary}, which is not there"))),
            Ok(entry) if entry.status != KeyStatus::Enabled => {
                Err(invalid(format!("the primary key {primary} is {}", entry.status.as_str())))
            }
            Ok(_) => Ok(keyset),
        }
    }
}

/// The error of one key, named by its id, else by its place.
struct At {
    place: usize,
    id: Option<u32>,
}

impl At {
    fn wrong(&self, what: impl fmt::Display) -> certstore_core::Error {
        invalid(match self.id {
            Some(id) => format!("key {id}: {what}"),
            None => format!("the {}. key: {what}", self.place),
        })
    }
}

impl KeyJson {
    fn check(self, place: usize) -> Result<Entry> {
        let at = At { place, id: self.key_id.filter(|id| *id != 0) };
        let id = at.id.ok_or_else(|| at.wrong("keyId is missing"))?;
        let status = match self.status.as_deref() {
            Some("ENABLED") => KeyStatus::Enabled,
            Some("DISABLED") => KeyStatus::Disabled,
            Some("DESTROYED") => KeyStatus::Destroyed,
            _ => return Err(at.wrong("status is not ENABLED, DISABLED or DESTROYED")),
        };
        let prefix = match self.output_prefix_type.as_deref() {
            Some("TINK") => OutputPrefix::Tink,
            Some("RAW") => OutputPrefix::Raw,
            Some("LEGACY" | "CRUNCHY") => {
                return Err(at.wrong(
                    "outputPrefixType LEGACY and CRUNCHY are not supported; make a new key",
                ));
            }
            _ => return Err(at.wrong("outputPrefixType is not TINK or RAW")),
        };
        let material = match status {
            KeyStatus::Destroyed => None,
            _ => Some(self.key_data.ok_or_else(|| at.wrong("keyData is missing"))?.check(&at)?),
        };
        Ok(Entry { id, prefix, status, material })
    }
}

impl KeyDataJson {
    fn check(self, at: &At) -> Result<Material> {
        let message = self.type_url.as_deref().and_then(Message::from_type_url);
        let message = message.ok_or_else(|| {
            at.wrong("keyData.typeUrl is not google.crypto.tink.AesGcmKey or ChaCha20Poly1305Key, with type.googleapis.com/ before it")
        })?;
        if self.key_material_type.as_deref() != Some(SYMMETRIC) {
            return Err(at.wrong("keyData.keyMaterialType is not SYMMETRIC"));
        }
        let value = self.value.ok_or_else(|| at.wrong("keyData.value is missing"))?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(value.len()));
        BASE64
            .decode_vec(value.as_bytes(), &mut bytes)
            .map_err(|_| at.wrong("keyData.value is no base64"))?;
        let (algorithm, key) = message.decode(&bytes).map_err(|what| at.wrong(what))?;
        Material::new(algorithm, key)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenKeyset<'a> {
    primary_key_id: u32,
    key: Vec<WrittenKey<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenKey<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    key_data: Option<WrittenData<'a>>,
    status: &'static str,
    key_id: u32,
    output_prefix_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenData<'a> {
    type_url: String,
    value: &'a str,
    key_material_type: &'static str,
}

impl Entry {
    /// The key's message in base64.
    fn encoded(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(KEY_SPACE));
        if let Some(material) = &self.material {
            let message = Message::of(material.algorithm).encode(&material.bytes);
            BASE64.encode_string(message.as_slice(), &mut text);
        }
        text
    }

    fn written<'a>(&self, value: &'a str) -> WrittenKey<'a> {
        let key_data = self.material.as_ref().map(|material| WrittenData {
            type_url: Message::of(material.algorithm).type_url(),
            value,
            key_material_type: SYMMETRIC,
        });
        WrittenKey {
            key_data,
            status: self.status.as_str(),
            key_id: self.id,
            output_prefix_type: self.prefix.as_str(),
        }
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
