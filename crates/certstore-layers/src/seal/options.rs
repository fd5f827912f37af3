//! How a store is sealed.

use std::fmt;
use std::str::FromStr;

use certstore_core::{Error, ErrorKind};

/// The longest [`StoreId`], in bytes.
const MAX_STORE_ID: usize = 128;

/// What stands before a store id and a key in the associated data. No key has a NUL, so it can be no plain key.
const BOUND: &[u8] = b"certstore-seal-1\0";

/// How a store is sealed. All who share a store say the same.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SealOptions {
    /// Whether values that are not sealed are given as they are, while a store is on its way from plaintext to sealed or
    /// back. Off by default: who can write to the storage could otherwise put any value in place of a sealed one.
    pub accept_plaintext: bool,
    /// Binds each value to a store as well as to its key, so that it opens nowhere else. `None` by default: then values are
    /// those of certmagic-gcs and certmagic-oss.
    pub store_id: Option<StoreId>,
}

/// A name for a store that no other store under the same keyset has: 1 to 128 printable ASCII characters, no space.
///
/// ```
/// use certstore_layers::seal::StoreId;
/// let id: StoreId = "prod/eu".parse()?;
/// assert!("".parse::<StoreId>().is_err());
/// # Ok::<(), certstore_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct StoreId(String);

impl FromStr for StoreId {
    type Err = Error;
    fn from_str(id: &str) -> Result<Self, Error> {
        if id.is_empty() || id.len() > MAX_STORE_ID || !id.bytes().all(|b| b.is_ascii_graphic()) {
            let message = format!("a store id has 1 to {MAX_STORE_ID} printable ASCII characters");
            return Err(Error::new(ErrorKind::InvalidConfig, message).with_subject("store_id"));
        }
        Ok(Self(id.to_owned()))
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// Calls `with` with the associated data of `key`: the key's bytes, as certmagic-gcs and certmagic-oss take them, or those
/// behind the store's id.
pub(super) fn with_associated_data<T>(
    store_id: Option<&StoreId>,
    key: &str,
    with: impl FnOnce(&[u8]) -> T,
) -> T {
    match store_id {
        None => with(key.as_bytes()),
        Some(StoreId(id)) => with(&[BOUND, id.as_bytes(), b"\0", key.as_bytes()].concat()),
    }
}

#[cfg(test)]
#[path = "options_tests.rs"]
mod tests;
