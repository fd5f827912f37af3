//! Keysets: the keys that seal and open, one of them the primary.

use std::fmt;

use certstore_core::{Error, ErrorKind, Result};
use ring::aead::{LessSafeKey, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::algorithm::{Algorithm, KeyStatus, OutputPrefix};

/// The keys that seal and open values: a [Tink](https://developers.google.com/tink) keyset.
///
/// The *primary* key seals. Every enabled key opens. To change keys without a stop: [`rotate`](Self::rotate) the keyset,
/// give it to all processes, [`reseal`](super::reseal) the store, [`disable`](Self::disable) the old key, and
/// [`destroy`](Self::destroy) it when nothing misses it.
///
/// At most 2^32 values may be sealed under one key, since nonces are 96 random bits (NIST SP 800-38D, section 8.3).
///
/// Key bytes are wiped when a keyset is dropped, as far as they are ours: ring keeps an expanded form of each key, which
/// it does not wipe. They appear in no `Debug` and in no error.
///
/// ```
/// use certstore_layers::seal::{Algorithm, Keyset, OutputPrefix};
/// let mut keyset = Keyset::create(Algorithm::Aes256Gcm, OutputPrefix::Tink)?;
/// let sealed = keyset.seal(b"value", b"a/key")?;
/// keyset.rotate(Algorithm::Aes256Gcm, OutputPrefix::Tink)?;
/// assert_eq!(keyset.open(sealed.clone(), b"a/key")?, &b"value"[..]);
/// assert!(keyset.open(sealed, b"another/key").is_err());
/// # Ok::<(), certstore_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Keyset {
    pub(super) primary: u32,
    pub(super) keys: Vec<Entry>,
}

/// What may be told of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeysetKey {
    /// Its id, unique in the keyset.
    pub id: u32,
    /// Its algorithm; `None` for a destroyed key that does not tell any more.
    pub algorithm: Option<Algorithm>,
    /// What stands before the values that it seals.
    pub prefix: OutputPrefix,
    /// Whether it is in use.
    pub status: KeyStatus,
    /// Whether it is the one that seals.
    pub is_primary: bool,
}

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) id: u32,
    pub(super) prefix: OutputPrefix,
    pub(super) status: KeyStatus,
    /// `None` once destroyed.
    pub(super) material: Option<Material>,
}

/// A key's bytes, and the key made ready.
#[derive(Clone)]
pub(super) struct Material {
    pub(super) algorithm: Algorithm,
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) cipher: LessSafeKey,
}

impl Material {
    pub(super) fn new(algorithm: Algorithm, bytes: Zeroizing<Vec<u8>>) -> Result<Self> {
        let cipher = UnboundKey::new(algorithm.ring(), &bytes)
            .map_err(|_| invalid("the key has the wrong length for its algorithm".to_owned()))?;
        Ok(Self { algorithm, bytes, cipher: LessSafeKey::new(cipher) })
    }

    fn random(algorithm: Algorithm) -> Result<Self> {
        let mut bytes = Zeroizing::new(vec![0; algorithm.key_len()]);
        fill(&mut bytes)?;
        Self::new(algorithm, bytes)
    }
}

/// Random bytes of the operating system.
pub(super) fn fill(bytes: &mut [u8]) -> Result<()> {
    SystemRandom::new()
        .fill(bytes)
        .map_err(|_| Error::new(ErrorKind::Other, "the operating system gave no random bytes"))
}

impl Keyset {
    /// A keyset with one new key, its primary.
    ///
    /// # Errors
    /// [`ErrorKind::Other`]: the operating system gave no random bytes.
    pub fn create(algorithm: Algorithm, prefix: OutputPrefix) -> Result<Self> {
        let mut keyset = Self { primary: 0, keys: Vec::new() };
        keyset.rotate(algorithm, prefix)?;
        Ok(keyset)
    }

    /// The keys, in the order of the keyset.
    pub fn keys(&self) -> impl Iterator<Item = KeysetKey> + '_ {
        self.keys.iter().map(|entry| KeysetKey {
            id: entry.id,
            algorithm: entry.material.as_ref().map(|material| material.algorithm),
            prefix: entry.prefix,
            status: entry.status,
            is_primary: entry.id == self.primary,
        })
    }

    /// The id of the key that seals.
    #[must_use]
    pub fn primary_id(&self) -> u32 {
        self.primary
    }

    /// Adds a new key that opens and does not seal yet, and returns its id. Give a keyset with the new key to all
    /// processes before it is made the primary: a process without it cannot open what others seal.
    ///
    /// # Errors
    /// [`ErrorKind::Other`]: the operating system gave no random bytes.
    pub fn add(&mut self, algorithm: Algorithm, prefix: OutputPrefix) -> Result<u32> {
        let material = Some(Material::random(algorithm)?);
        let id = self.free_id()?;
        self.keys.push(Entry { id, prefix, status: KeyStatus::Enabled, material });
        Ok(id)
    }

    /// Adds a new key, makes it the primary, and returns its id.
    ///
    /// # Errors
    /// [`ErrorKind::Other`]: the operating system gave no random bytes.
    pub fn rotate(&mut self, algorithm: Algorithm, prefix: OutputPrefix) -> Result<u32> {
        self.primary = self.add(algorithm, prefix)?;
        Ok(self.primary)
    }

    /// Lets another key seal from now on.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: there is no such key, or it is not enabled.
    pub fn set_primary(&mut self, id: u32) -> Result<()> {
        if self.entry(id)?.status != KeyStatus::Enabled {
            return Err(invalid(format!("key {id} is not enabled, so it cannot be the primary")));
        }
        self.primary = id;
        Ok(())
    }

    /// Lets a key open values again.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: there is no such key, or it is destroyed.
    pub fn enable(&mut self, id: u32) -> Result<()> {
        let entry = self.entry(id)?;
        if entry.material.is_none() {
            return Err(invalid(format!("key {id} is destroyed: its bytes are gone")));
        }
        entry.status = KeyStatus::Enabled;
        Ok(())
    }

    /// Lets a key open nothing until it is [enabled](Self::enable) again: the trial before its end.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: there is no such key, or it is the primary or destroyed.
    pub fn disable(&mut self, id: u32) -> Result<()> {
        let entry = self.replaceable(id)?;
        if entry.material.is_none() {
            return Err(invalid(format!("key {id} is destroyed: its bytes are gone")));
        }
        entry.status = KeyStatus::Disabled;
        Ok(())
    }

    /// Wipes a key's bytes. What is still sealed under it can never be read again.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: there is no such key, or it is the primary.
    pub fn destroy(&mut self, id: u32) -> Result<()> {
        let entry = self.replaceable(id)?;
        entry.status = KeyStatus::Destroyed;
        entry.material = None;
        Ok(())
    }

    /// What every enabled key adds to a value, if they all add the same.
    pub(super) fn uniform_overhead(&self) -> Option<usize> {
        let prefix = self.primary_entry().map(|primary| primary.prefix).ok()?;
        let mut enabled = self.keys.iter().filter(|entry| entry.status == KeyStatus::Enabled);
        enabled.all(|entry| entry.prefix == prefix).then(|| prefix.overhead())
    }

    pub(super) fn primary_entry(&self) -> Result<&Entry> {
        let primary = self.keys.iter().find(|entry| entry.id == self.primary);
        primary.ok_or_else(|| invalid("the keyset has no primary key".to_owned()))
    }

    fn entry(&mut self, id: u32) -> Result<&mut Entry> {
        let entry = self.keys.iter_mut().find(|entry| entry.id == id);
        entry.ok_or_else(|| invalid(format!("the keyset has no key {id}")))
    }

    fn replaceable(&mut self, id: u32) -> Result<&mut Entry> {
        if id == self.primary {
            return Err(invalid(format!("key {id} is the primary: make another key it first")));
        }
        self.entry(id)
    }

    /// An id that no key has; never 0, which Tink takes for none.
    fn free_id(&self) -> Result<u32> {
        loop {
            let mut id = [0; 4];
            fill(&mut id)?;
            let id = u32::from_be_bytes(id);
            if id != 0 && self.keys.iter().all(|entry| entry.id != id) {
                return Ok(id);
            }
        }
    }
}

pub(super) fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidConfig, message).with_subject("keyset")
}

impl fmt::Debug for Keyset {
    /// Ids and states only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyset").field("primary", &self.primary).field("keys", &self.keys).finish()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.id, self.prefix.as_str(), self.status.as_str())
    }
}

#[cfg(test)]
#[path = "keyset_tests.rs"]
mod tests;
