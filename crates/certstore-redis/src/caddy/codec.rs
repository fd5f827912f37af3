//! From a value to what is stored, and back.

use std::time::SystemTime;

use bytes::Bytes;
use certstore_core::{Error, ErrorKind, Result, Secret};

use super::compression::Method;
use super::crypto::Cipher;
use super::envelope::{Envelope, corrupt};

/// How values are written. How they are read, the flags beside each of them say.
#[derive(Debug)]
pub(super) struct Codec {
    method: Method,
    cipher: Option<Cipher>,
}

impl Codec {
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: the key is too short.
    pub(super) fn new(method: Method, key: Option<&Secret>) -> Result<Self> {
        Ok(Self { method, cipher: key.map(Cipher::new).transpose()? })
    }

    /// The envelope of `value`: compressed where that makes it smaller, then encrypted.
    ///
    /// # Errors
    /// As [`Cipher::seal`].
    pub(super) fn encode(&self, value: &[u8], modified: SystemTime) -> Result<String> {
        let compressed = self.method.compress(value);
        let compression = compressed.as_ref().map_or(Method::None, |_| self.method).flag();
        let plain = compressed.as_deref().unwrap_or(value);
        let (stored, encryption) = match &self.cipher {
            Some(cipher) => (cipher.seal(plain)?, 1),
            None => (plain.to_vec(), 0),
        };
        let size = value.len() as u64;
        Envelope { value: stored, modified, size, compression, encryption }.encode()
    }

    /// The value in an envelope.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: damaged, or encrypted with a key that is not the configured one.
    pub(super) fn decode(&self, stored: &[u8]) -> Result<Bytes> {
        let envelope = Envelope::decode(stored)?;
        let compressed = match (envelope.encryption, &self.cipher) {
            (0, _) => envelope.value,
            (1, Some(cipher)) => cipher.open(envelope.value)?,
            (1, None) => {
                return Err(Error::new(
                    ErrorKind::Corrupt,
                    "the value is encrypted; set encryption_key to the key that it was written with",
                ));
            }
            (other, _) => {
                return Err(corrupt(format!("its encryption flag is {other}, not 0 or 1")));
            }
        };
        let method = Method::from_flag(envelope.compression)?;
        let value = method.decompress(compressed)?;
        // The flags are not encrypted with the value: one that is damaged gives another value, and seldom one of this size.
        if envelope.size != 0 && envelope.size != value.len() as u64 {
            return Err(corrupt(format!(
                "it says that it has {} bytes, and has {}",
                envelope.size,
                value.len()
            )));
        }
        Ok(value.into())
    }
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
