//! Keysets and storages for the tests.

use std::sync::Arc;

use certstore_core::{Key, Storage};
use certstore_layers::seal::{Algorithm, Keyset, OutputPrefix, SealOptions, SealedStorage};

pub(crate) fn key(key: &str) -> Key {
    key.parse().expect("the test's keys are valid")
}

pub(crate) fn keyset() -> Keyset {
    Keyset::create(Algorithm::Aes256Gcm, OutputPrefix::Tink).expect("there is chance")
}

/// The keyset with another primary key, and the old one's id.
pub(crate) fn rotated(keyset: &Keyset) -> (Keyset, u32) {
    let (mut rotated, old) = (keyset.clone(), keyset.primary_id());
    rotated.rotate(Algorithm::Aes256Gcm, OutputPrefix::Tink).expect("there is chance");
    (rotated, old)
}

pub(crate) fn sealed(inner: Arc<dyn Storage>, keyset: &Keyset) -> SealedStorage {
    SealedStorage::new(inner, keyset.clone(), SealOptions::default())
}

/// The id of the key that a stored value names.
pub(crate) fn key_of(stored: &[u8]) -> u32 {
    assert_eq!(stored[0], 1, "no prefix");
    u32::from_be_bytes(stored[1..5].try_into().expect("four bytes"))
}
