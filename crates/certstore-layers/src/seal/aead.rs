//! Sealing and opening one value: Tink's AEAD.

use bytes::{Bytes, BytesMut};
use certstore_core::{Error, ErrorKind, Result};
use ring::aead::{Aad, Nonce};

use super::algorithm::{KeyStatus, OutputPrefix};
use super::keyset::{Entry, Keyset, Material, fill};
use super::wire;

/// A value that was opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) value: Bytes,
    /// The id of the key that opened it.
    pub(super) key: u32,
}

/// What stored bytes turned out to be.
#[derive(Debug)]
pub(super) enum Content {
    Sealed(Opened),
    /// They are no sealed value, by their form: a value that was never sealed.
    Plain(Bytes),
}

impl Keyset {
    /// Seals a value under the primary key, bound to `associated_data`: only with the same it opens. Every call draws a
    /// nonce of 96 bits from the operating system.
    ///
    /// # Errors
    /// [`ErrorKind::Other`]: the operating system gave no random bytes, or the value is over the algorithm's 64 GiB.
    pub fn seal(&self, value: &[u8], associated_data: &[u8]) -> Result<Bytes> {
        let primary = self.primary_entry()?;
        let failed = || Error::new(ErrorKind::Other, "the value could not be sealed");
        let Material { cipher, .. } = primary.material.as_ref().ok_or_else(failed)?;
        let mut sealed = Vec::with_capacity(primary.prefix.overhead() + value.len());
        if primary.prefix == OutputPrefix::Tink {
            sealed.extend_from_slice(&wire::prefix(primary.id));
        }
        let mut nonce = [0; wire::NONCE];
        fill(&mut nonce)?;
        sealed.extend_from_slice(&nonce);
        let start = sealed.len();
        sealed.extend_from_slice(value);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let aad = Aad::from(associated_data);
        let tag = cipher
            .seal_in_place_separate_tag(nonce, aad, &mut sealed[start..])
            .map_err(|_| failed())?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed.into())
    }

    /// Opens a sealed value: with the key that it names, then with every enabled key without prefix, as Tink does.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: it is cut, changed, sealed for other associated data, or with a key that the keyset does
    /// not have or that is not enabled; the message says what can be told.
    pub fn open(&self, sealed: Bytes, associated_data: &[u8]) -> Result<Bytes> {
        self.open_by(sealed, associated_data).map(|opened| opened.value)
    }

    /// As [`open`](Self::open), with the key that did it.
    pub(super) fn open_by(&self, sealed: Bytes, associated_data: &[u8]) -> Result<Opened> {
        let named = wire::named_key(&sealed);
        let by_name = self.keys.iter().filter(|entry| {
            entry.prefix == OutputPrefix::Tink && Some(entry.id) == named && entry.is_enabled()
        });
        let raw = self
            .keys
            .iter()
            .filter(|entry| entry.prefix == OutputPrefix::Raw && entry.is_enabled());
        let mut candidates = by_name.chain(raw).peekable();
        if candidates.peek().is_none() || sealed.len() < wire::RAW_OVERHEAD {
            return Err(self.refused(&sealed));
        }
        let mut sealed = Some(sealed);
        while let Some(entry) = candidates.next() {
            // A failed attempt spoils its buffer: all but the last work on a copy.
            let attempt = match candidates.peek() {
                Some(_) => sealed.clone(),
                None => sealed.take(),
            };
            let Some(attempt) = attempt else { break };
            if let Some(value) = entry.open(attempt, associated_data) {
                return Ok(Opened { value, key: entry.id });
            }
        }
        Err(corrupt(match named {
            Some(id) if self.keys.iter().any(|entry| entry.id == id) => format!(
                "the value does not open with key {id}: it is damaged, or was moved from another key or store"
            ),
            _ => "the value does not open with any key of the keyset: it is damaged, not sealed, moved from another key or store, or sealed under another keyset".to_owned(),
        }))
    }

    /// Tells a sealed value from one that never was, for a store that is being sealed or unsealed.
    ///
    /// What names a key (`0x01`, an id, and long enough) is sealed, whether or not the keyset has the key; anything else
    /// is sealed if it opens. No certificate, key, JSON or OCSP response starts with `0x01`.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: it names a key and does not open.
    pub(super) fn classify(&self, stored: Bytes, associated_data: &[u8]) -> Result<Content> {
        match self.open_by(stored.clone(), associated_data) {
            Ok(opened) => Ok(Content::Sealed(opened)),
            Err(error) if wire::named_key(&stored).is_some() => Err(error),
            Err(_) => Ok(Content::Plain(stored)),
        }
    }

    /// Why no key was even tried.
    fn refused(&self, sealed: &[u8]) -> Error {
        let known =
            wire::named_key(sealed).map(|id| (id, self.keys.iter().find(|entry| entry.id == id)));
        corrupt(match known {
            Some((id, Some(entry))) => format!(
                "the value is sealed with key {id}, which the keyset has as {}",
                entry.status.as_str()
            ),
            Some((id, None)) => {
                format!("the value is sealed with key {id}, which the keyset does not have")
            }
            None => "the value is not sealed, or cut".to_owned(),
        })
    }
}

impl Entry {
    fn is_enabled(&self) -> bool {
        self.status == KeyStatus::Enabled && self.material.is_some()
    }

    /// In the value's own buffer where nobody else has it, else in one copy.
    fn open(&self, sealed: Bytes, associated_data: &[u8]) -> Option<Bytes> {
        let Material { cipher, .. } = self.material.as_ref()?;
        let start = self.prefix.overhead() - wire::TAG;
        let mut buffer =
            sealed.try_into_mut().unwrap_or_else(|shared| BytesMut::from(shared.as_ref()));
        let nonce = buffer.get(..start)?.last_chunk::<{ wire::NONCE }>().copied()?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        let aad = Aad::from(associated_data);
        let length = cipher.open_in_place(nonce, aad, buffer.get_mut(start..)?).ok()?.len();
        Some(buffer.freeze().slice(start..start + length))
    }
}

fn corrupt(message: String) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}

#[cfg(test)]
#[path = "aead_tests.rs"]
mod tests;
