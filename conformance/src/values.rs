//! Values that show where they come from, so that a mix or a cut is seen.

use std::sync::Arc;

/// Bytes of a length and a seed; different seeds differ everywhere.
pub(crate) fn pattern(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// A set of values, each told from the others by its first byte, in lengths from under a page to several pages.
#[derive(Clone)]
pub(crate) struct Palette(Arc<[Vec<u8>]>);

impl Palette {
    pub(crate) fn new(count: u8) -> Self {
        let value = |index: u8| {
            let mut bytes = pattern(u64::from(index) + 1, 700 + 2_900 * usize::from(index % 8));
            bytes[0] = index;
            bytes
        };
        Self((0..count).map(value).collect())
    }

    pub(crate) fn get(&self, index: usize) -> &[u8] {
        &self.0[index % self.0.len()]
    }

    /// Which value `bytes` is, whole and unmixed.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<usize> {
        let index = usize::from(*bytes.first()?);
        (self.0.get(index)? == bytes).then_some(index)
    }
}
