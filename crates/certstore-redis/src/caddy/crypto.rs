//! The plugin's encryption of values: AES-256-GCM, `nonce (12) || ciphertext || tag (16)`, no associated data.

use std::fmt;

use certstore_core::{Error, ErrorKind, Result, Secret};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

/// The bytes of the configured text that make the key; what follows them is not used.
const KEY_LEN: usize = 32;

/// A key, ready for use.
pub(super) struct Cipher {
    key: LessSafeKey,
    random: SystemRandom,
}

impl Cipher {
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: fewer than 32 bytes.
    pub(super) fn new(text: &Secret) -> Result<Self> {
        let text = text.expose().as_bytes();
        let Some(bytes) = text.get(..KEY_LEN) else {
            let message = format!(
                "encryption_key has {} bytes; it needs at least 32, and the first 32 of them are the key",
                text.len()
            );
            return Err(Error::new(ErrorKind::InvalidConfig, message));
        };
        let key = UnboundKey::new(&AES_256_GCM, bytes)
            .map_err(|_| Error::new(ErrorKind::InvalidConfig, "encryption_key makes no key"))?;
        Ok(Self { key: LessSafeKey::new(key), random: SystemRandom::new() })
    }

    /// # Errors
    /// [`ErrorKind::Other`]: the operating system gave no random bytes, or the value is longer than GCM allows.
    pub(super) fn seal(&self, value: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| {
            Error::new(ErrorKind::Other, "the operating system gave no random bytes")
        })?;
        let mut sealed = Vec::with_capacity(NONCE_LEN + value.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(value);
        let tag = self
            .key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::empty(),
                &mut sealed[NONCE_LEN..],
            )
            .map_err(|_| Error::new(ErrorKind::Other, "the value could not be encrypted"))?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// # Errors
    /// [`ErrorKind::Corrupt`]: another key, or damaged.
    pub(super) fn open(&self, mut sealed: Vec<u8>) -> Result<Vec<u8>> {
        let Some(nonce) = sealed.first_chunk::<NONCE_LEN>().copied() else {
            return Err(undecryptable());
        };
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened = self.key.open_within(nonce, Aad::empty(), &mut sealed, NONCE_LEN..);
        let length = opened.map_err(|_| undecryptable())?.len();
        sealed.truncate(length);
        Ok(sealed)
    }
}

fn undecryptable() -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "the value does not decrypt with encryption_key: it was written with another key, or is damaged",
    )
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher(..)")
    }
}

#[cfg(test)]
#[path = "crypto_tests.rs"]
mod tests;
