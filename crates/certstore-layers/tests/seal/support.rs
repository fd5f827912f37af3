//! Keysets, storages and seeded random numbers for the tests.

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

/// SplitMix64: the same numbers from the same seed, everywhere.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}
