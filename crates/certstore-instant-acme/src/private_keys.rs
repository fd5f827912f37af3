//! Which private key a certificate is for.

use std::collections::BTreeMap;

use certstore_core::ErrorKind;
use rcgen::PublicKeyData as _;

use crate::order::Run;
use crate::{Certificate, Error, KeyType, PendingOrder, PrivateKey, Result};

/// How the private key of a certificate is chosen.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyChoice {
    pub(crate) kind: KeyType,
    /// The key of the certificate that is renewed is used again.
    pub(crate) reuse: bool,
    /// Keys that somebody has brought, by what the certificate is stored under.
    pub(crate) imported: BTreeMap<String, PrivateKey>,
}

impl Run<'_> {
    /// The key for a new order: the one that was brought for these names, the one that is used again, or a new one. One
    /// that is known to somebody else is not used.
    pub(crate) async fn private_key(&self) -> Result<PrivateKey> {
        let choice = self.issuance.keys();
        if let Some(imported) = choice.imported.get(&self.names.storage_name()) {
            return match self.is_compromised(imported).await? {
                false => Ok(imported.clone()),
                true => Err(Error::Unusable {
                    message: "the private key that was brought for this name was revoked as compromised; bring another",
                    source: None,
                }),
            };
        }
        if choice.reuse
            && let Some(stored) = Certificate::load(self.storage(), &self.site.keys, false).await?
            && let Ok(key) = PrivateKey::from_pem(stored.bundle().private_key())
            && key.kind() == choice.kind
            && !self.is_compromised(&key).await?
        {
            return Ok(key);
        }
        PrivateKey::generate_in_background(choice.kind)
            .await
            .map_err(|error| Error::unusable("no private key could be made", error))
    }

    /// Whether an order is for a key that was kept apart as compromised.
    pub(crate) async fn has_compromised_key(&self, pending: &PendingOrder) -> Result<bool> {
        match PrivateKey::from_pem(pending.private_key().expose()) {
            Ok(key) => self.is_compromised(&key).await,
            Err(_) => Ok(false),
        }
    }

    /// Whether this is the key that was kept apart when a certificate for these names was revoked.
    async fn is_compromised(&self, key: &PrivateKey) -> Result<bool> {
        let kept = match self.storage().load(&self.site.compromised).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            kept => kept?,
        };
        let kept = std::str::from_utf8(&kept).ok().and_then(|pem| PrivateKey::from_pem(pem).ok());
        Ok(kept.is_some_and(|kept| kept.der_bytes() == key.der_bytes()))
    }
}
