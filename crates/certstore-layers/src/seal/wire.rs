//! The form of a sealed value: `prefix || nonce (12) || ciphertext || tag (16)`.
//!
//! Tink's wire format (developers.google.com/tink/wire-format). The prefix is not authenticated; it only says which key
//! to take.

/// `0x01` and the key's id.
pub(super) const PREFIX: usize = 5;
/// All algorithms here have a nonce of 96 bits.
pub(super) const NONCE: usize = 12;
/// And a tag of 128 bits.
pub(super) const TAG: usize = 16;
/// Nonce and tag.
pub(super) const RAW_OVERHEAD: usize = NONCE + TAG;
/// The most that any key adds, in bytes.
pub(super) const MAX_OVERHEAD: usize = PREFIX + RAW_OVERHEAD;

const START: u8 = 1;

/// The prefix of a key's values.
pub(super) fn prefix(id: u32) -> [u8; PREFIX] {
    let [a, b, c, d] = id.to_be_bytes();
    [START, a, b, c, d]
}

/// The key id that a value names, if it is long enough and starts as one that names a key.
pub(super) fn named_key(sealed: &[u8]) -> Option<u32> {
    match sealed.first_chunk::<PREFIX>() {
        Some([START, id @ ..]) if sealed.len() >= MAX_OVERHEAD => Some(u32::from_be_bytes(*id)),
        _ => None,
    }
}
