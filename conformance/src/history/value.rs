//! Values that are each written once and show when they are torn.

use crate::values::pattern;

/// The bytes of a value: its number, and a filling that follows from it, up to two pages long.
pub(super) fn encode(value: u64) -> Vec<u8> {
    let filling = (value.wrapping_mul(0x9e37_79b9) >> 7) % 8000;
    let mut bytes = format!("{value} ").into_bytes();
    bytes.extend(pattern(value, filling as usize));
    bytes
}

/// The number of a value; `None` when it is not one of ours, or not whole.
pub(super) fn decode(bytes: &[u8]) -> Option<u64> {
    let end = bytes.iter().position(|byte| *byte == b' ')?;
    let value = std::str::from_utf8(&bytes[..end]).ok()?.parse().ok()?;
    (encode(value) == bytes).then_some(value)
}
