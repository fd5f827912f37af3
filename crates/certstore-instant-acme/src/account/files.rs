//! The two files of an account, as CertMagic and Caddy keep them.

use bytes::Bytes;
use certstore_core::{Error, ErrorKind, Key, LockName, Result, Storage, StorageKeys};
use serde::{Deserialize, Serialize};
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Map, Value};

/// Where an account lies, and which lock those hold who register it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccountKeys {
    pub(crate) registration: Key,
    pub(crate) private_key: Key,
    pub(crate) lock: LockName,
}

impl AccountKeys {
    /// Those of the account with this address, which may be empty.
    pub(crate) fn new(issuer: &str, email: &str) -> Result<Self> {
        let contact = Some(email).filter(|email| !email.is_empty());
        Ok(Self {
            registration: StorageKeys::user_reg(issuer, email)?,
            private_key: StorageKeys::user_private_key(issuer, email)?,
            lock: StorageKeys::register_account_lock(contact)?,
        })
    }
}

/// What CertMagic keeps of an account beside its key: the account object of RFC 8555, section 7.1.2, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Registration {
    pub(crate) status: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) contact: Vec<String>,
    #[serde(default)]
    pub(crate) terms_of_service_agreed: bool,
    /// The URL of the account's orders, which instant-acme does not tell.
    #[serde(default)]
    pub(crate) orders: String,
    /// The URL of the account: its name in requests.
    #[serde(default)]
    pub(crate) location: String,
    #[serde(flatten)]
    pub(crate) others: Map<String, Value>,
}

impl Registration {
    /// That of an account which was just registered.
    pub(crate) fn new(location: &str, contact: Vec<String>) -> Self {
        Self {
            status: "valid".into(),
            contact,
            terms_of_service_agreed: true,
            orders: String::new(),
            location: location.to_owned(),
            others: Map::new(),
        }
    }

    /// Indented by tabs, as Go's CertMagic does.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>> {
        let mut json = Vec::new();
        let formatter = PrettyFormatter::with_indent(b"\t");
        self.serialize(&mut Serializer::with_formatter(&mut json, formatter)).map_err(|error| {
            Error::new(ErrorKind::Other, "the account cannot be written as JSON").with_source(error)
        })?;
        Ok(json)
    }

    fn from_json(json: &[u8]) -> Result<Self> {
        serde_json::from_slice(json).map_err(|error| {
            Error::new(ErrorKind::Corrupt, "what is stored of the ACME account cannot be read")
                .with_source(error)
        })
    }
}

/// What a storage holds of an account.
pub(crate) struct StoredAccount {
    /// PEM.
    pub(crate) private_key: Bytes,
    /// `None`: a key that was not registered, or of which that is not known.
    pub(crate) registration: Option<Registration>,
}

impl StoredAccount {
    /// Reads it; `None` where there is no key.
    pub(crate) async fn load(storage: &dyn Storage, keys: &AccountKeys) -> Result<Option<Self>> {
        let mut found =
            storage.load_many(&[&keys.private_key, &keys.registration]).await.into_iter();
        let mut next = || match found.next() {
            Some(Err(error)) if error.kind() == ErrorKind::NotFound => Ok(None),
            Some(found) => found.map(Some),
            None => Ok(None),
        };
        let (private_key, json) = (next()?, next()?);
        let Some(private_key) = private_key else { return Ok(None) };
        let named = |error: Error| error.with_operation("load").with_key(&keys.registration);
        let registration =
            json.map(|json| Registration::from_json(&json).map_err(named)).transpose()?;
        // Without an address at the CA it is not known where the account is; its key tells.
        let registration = registration.filter(|account| !account.location.is_empty());
        Ok(Some(Self { private_key, registration }))
    }
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
