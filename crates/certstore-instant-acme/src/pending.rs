//! An order that is not finished, kept so that another process can.

use std::borrow::Cow;
use std::fmt;

use certstore_core::{Error as StorageError, ErrorKind, Key, Secret, Storage, StorageKeys};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::writer::Writer;
use crate::{Ca, Error, Names, PrivateKey, Result};

/// The extension by which a certificate demands what TLS would else leave open (RFC 7633, section 4), and its content: a
/// sequence of the number of `status_request`.
const TLS_FEATURE: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 24];
const STATUS_REQUEST: [u8; 5] = [0x30, 0x03, 0x02, 0x01, 0x05];

/// An order on its way: where the CA keeps it, and the private key that its certificate will be for. Both are stored
/// before the CA is asked to issue, so that a process that is killed leaves what the next one needs.
///
/// It lies at `acme/ISSUER/orders/NAME.json`, beside what CertMagic keeps of the CA, and goes once the certificate is
/// stored.
#[derive(Clone)]
pub struct PendingOrder {
    ca: String,
    account: String,
    names: Vec<String>,
    url: Option<String>,
    private_key: Secret,
}

/// The value as it is stored. The words are those of CertMagic's metadata, where it has them.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    ca: Cow<'a, str>,
    account: Cow<'a, str>,
    sans: Cow<'a, [String]>,
    order: Option<Cow<'a, str>>,
    private_key: Cow<'a, str>,
}

impl PendingOrder {
    /// Where the order for these names lies.
    ///
    /// # Errors
    /// [`Error::Storage`]: issuer or names give no component of a key.
    pub fn key(issuer: &str, names: &Names) -> Result<Key> {
        let name = StorageKeys::safe(&names.storage_name());
        let dir = StorageKeys::acme_ca_prefix(issuer)?.join("orders")?;
        Ok(dir.join(&format!("{name}.json"))?)
    }

    /// The order that is on its way for these names; `None` where none is. Damage counts as none, with an error in the
    /// log.
    ///
    /// # Errors
    /// [`Error::Storage`] of the storage, and as [`key`](Self::key).
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub async fn load(storage: &dyn Storage, issuer: &str, names: &Names) -> Result<Option<Self>> {
        let key = Self::key(issuer, names)?;
        let json = match storage.load(&key).await {
            Ok(json) => json,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let Ok(stored) = serde_json::from_slice::<Stored<'_>>(&json) else {
            tracing::error!(%key, "what is stored here is no order; it will be replaced");
            return Ok(None);
        };
        Ok(Some(Self {
            ca: stored.ca.into_owned(),
            account: stored.account.into_owned(),
            names: stored.sans.into_owned(),
            url: stored.order.map(Cow::into_owned),
            private_key: Secret::new(stored.private_key),
        }))
    }

    /// One that the CA does not know yet.
    pub(crate) fn new(ca: &Ca, account: &str, names: &Names, key: &PrivateKey) -> Self {
        Self {
            ca: ca.directory_url().to_owned(),
            account: account.to_owned(),
            names: names.as_slice().to_owned(),
            url: None,
            private_key: key.pem().clone(),
        }
    }

    /// The URL of the order at the CA; `None` while it is not known to be made.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// The URL of the account that made it.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The names that it is for.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The private key of the certificate, in PEM: hand it only to whom it is meant for.
    #[must_use]
    pub fn private_key(&self) -> &Secret {
        &self.private_key
    }

    pub(crate) fn set_url(&mut self, url: &str) {
        self.url = Some(url.to_owned());
    }

    /// Whether this account made it at this CA for just these names.
    pub(crate) fn is_of(&self, ca: &Ca, account: &str, names: &Names) -> bool {
        self.ca == ca.directory_url() && self.account == account && self.names == names.as_slice()
    }

    /// The certificate signing request, in DER.
    pub(crate) fn request(&self, must_staple: bool) -> Result<Vec<u8>> {
        let unusable = "the order's private key is of no use";
        let key = PrivateKey::from_pem(self.private_key.expose())
            .map_err(|error| Error::unusable(unusable, error))?;
        let made = || {
            let mut params = CertificateParams::new(self.names.as_slice())?;
            params.distinguished_name = DistinguishedName::new();
            if must_staple {
                let extension =
                    CustomExtension::from_oid_content(TLS_FEATURE, STATUS_REQUEST.to_vec());
                params.custom_extensions.push(extension);
            }
            Ok::<_, rcgen::Error>(params.serialize_request(&key)?.der().to_vec())
        };
        made().map_err(|error| Error::unusable(unusable, error))
    }

    pub(crate) async fn store(&self, key: &Key, writer: &Writer<'_>) -> Result<(), StorageError> {
        let stored = Stored {
            ca: Cow::from(&self.ca),
            account: Cow::from(&self.account),
            sans: Cow::from(&self.names),
            order: self.url.as_deref().map(Cow::from),
            private_key: Cow::from(self.private_key.expose()),
        };
        // Large enough not to grow, which would leave a copy of the key behind.
        let length: usize = self.names.iter().map(String::len).sum();
        let mut json = Zeroizing::new(Vec::with_capacity(4096 + 2 * length));
        serde_json::to_writer(&mut *json, &stored).map_err(|error| {
            StorageError::new(ErrorKind::Other, "the order cannot be written as JSON")
                .with_source(error)
        })?;
        writer.store(key, &json).await
    }
}

impl fmt::Debug for PendingOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingOrder")
            .field("ca", &self.ca)
            .field("account", &self.account)
            .field("names", &self.names)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "pending_tests.rs"]
mod tests;
