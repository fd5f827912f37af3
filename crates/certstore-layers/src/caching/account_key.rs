//! The private key of an ACME account.

use std::fmt;
use std::sync::Arc;

use certstore_core::{Error, ErrorKind, Result};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::SigningKey;
use zeroize::Zeroize as _;

/// An ACME account's private key, checked.
pub struct AccountKey {
    der: PrivateKeyDer<'static>,
    signer: Arc<dyn SigningKey>,
}

impl AccountKey {
    /// Reads the first private key of a PEM text: PKCS #8, PKCS #1 (RSA) or SEC 1 (EC), as RFC 7468 and its elders write
    /// them.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: there is no private key in it, or none that can sign.
    pub fn from_pem(pem: &[u8]) -> Result<Self> {
        // The parser's own words may hold lines of the text: they are left out.
        let der = PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
            Error::new(ErrorKind::Corrupt, "what is stored is no private key in PEM form")
        })?;
        let signer = any_supported_type(&der).map_err(|_| {
            Error::new(ErrorKind::Corrupt, "the stored private key is damaged or of no known kind")
        })?;
        Ok(Self { der, signer })
    }

    /// The key itself: only to hand to whom it is meant for.
    #[must_use]
    pub fn der(&self) -> &PrivateKeyDer<'static> {
        &self.der
    }

    /// What signs with it.
    #[must_use]
    pub fn signer(&self) -> &Arc<dyn SigningKey> {
        &self.signer
    }
}

impl Drop for AccountKey {
    fn drop(&mut self) {
        self.der.zeroize();
    }
}

impl fmt::Debug for AccountKey {
    /// Only the kind of the key is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountKey")
            .field("algorithm", &self.signer.algorithm())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "account_key_tests.rs"]
mod tests;
