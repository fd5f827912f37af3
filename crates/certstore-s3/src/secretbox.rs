//! Values that techknowlogick/certmagic-s3 has sealed: a nonce of 24 bytes, then a NaCl secretbox. Opened, never
//! written.

use std::fmt;

use bytes::Bytes;
use certstore_core::{Error, ErrorKind, Result, Secret};
use crypto_secretbox::aead::Aead;
use crypto_secretbox::{KeyInit, XSalsa20Poly1305};

use crate::error::{BACKEND, invalid_config};

/// The nonce's length in bytes.
const NONCE: usize = 24;

/// How much longer a sealed value is than the value, in bytes: nonce and tag.
pub(crate) const OVERHEAD: u64 = 40;

/// The key's cipher.
pub(crate) struct Secretbox(XSalsa20Poly1305);

impl Secretbox {
    pub(crate) fn new(key: &Secret) -> Result<Self> {
        XSalsa20Poly1305::new_from_slice(key.expose().as_bytes())
            .map(Self)
            .map_err(|_| invalid_config("secretbox_key has exactly 32 bytes"))
    }

    /// The value in a sealed one. An empty object is an empty value, as for the program that wrote it.
    pub(crate) fn open(&self, sealed: &[u8]) -> Result<Bytes> {
        if sealed.is_empty() {
            return Ok(Bytes::new());
        }
        let opened = sealed
            .split_at_checked(NONCE)
            .and_then(|(nonce, sealed)| self.0.decrypt(nonce.into(), sealed).ok());
        opened.map(Bytes::from).ok_or_else(|| {
            let message = "the value does not open with secretbox_key: it is damaged, not sealed, or sealed with another key";
            Error::new(ErrorKind::Corrupt, message).with_backend(BACKEND)
        })
    }
}

impl fmt::Debug for Secretbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secretbox(..)")
    }
}

#[cfg(test)]
#[path = "secretbox_tests.rs"]
mod tests;
