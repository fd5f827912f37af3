//! What is appended to a lock's log: the lock's record in a frame of whole blocks, chained to the frame before.
//!
//! | bytes | what |
//! |---|---|
//! | 0 to 7 | `cs-log1` and a zero |
//! | 8 to 11 | the number of blocks of 256 bytes, as all numbers little-endian |
//! | 12 to 15 | the length of the record's text |
//! | 16 to 19 | 0; in the last frame of a log the number of the next log |
//! | 20 to 35 | the nonce of the record before (`prev`); 0 where there is none |
//! | 36 to 43 | CRC-64 of the whole log before this frame, as its writer knew it |
//! | 44 to 51 | CRC-64 of the whole frame, with zeros here |
//! | 52 to 63 | zeros |
//! | 64 to the end | the record as text, then zeros |

use bytes::Bytes;
use certstore_core::lease::Record;

use crate::crc64::extend;

/// All frames are some of these long.
pub(crate) const BLOCK: usize = 256;

const MAGIC: &[u8; 8] = b"cs-log1\0";
const HEADER: usize = 64;
const CHECKSUM: std::ops::Range<usize> = 44..52;

/// The most blocks of a frame: a name of 512 bytes and the longest host and program take 12.
const MAX_BLOCKS: usize = 64;

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Set in the last frame of a log: it repeats the record, and the lock goes on in the log of this number.
    pub(crate) next: Option<u32>,
    /// The nonce of the record before.
    pub(crate) prev: u128,
    /// The checksum of the log before.
    pub(crate) before: u64,
    pub(crate) record: Record,
}

impl Frame {
    /// `None`: the record is longer than any is.
    pub(crate) fn encode(&self) -> Option<Bytes> {
        let text = self.record.encode();
        let blocks = (HEADER + text.len()).div_ceil(BLOCK);
        if blocks > MAX_BLOCKS {
            return None;
        }
        let mut frame = Vec::with_capacity(blocks * BLOCK);
        frame.extend_from_slice(MAGIC);
        frame.extend_from_slice(&u32::try_from(blocks).ok()?.to_le_bytes());
        frame.extend_from_slice(&u32::try_from(text.len()).ok()?.to_le_bytes());
        frame.extend_from_slice(&self.next.unwrap_or(0).to_le_bytes());
        frame.extend_from_slice(&self.prev.to_le_bytes());
        frame.extend_from_slice(&self.before.to_le_bytes());
        frame.resize(HEADER, 0);
        frame.extend_from_slice(text.as_bytes());
        frame.resize(blocks * BLOCK, 0);
        let checksum = extend(0, &frame).to_le_bytes();
        frame[CHECKSUM].copy_from_slice(&checksum);
        Some(Bytes::from(frame))
    }

    /// The frame at the beginning of `bytes`, with its length; `None` where none is.
    pub(crate) fn decode(bytes: &[u8]) -> Option<(Self, usize)> {
        let header = bytes.get(..HEADER)?;
        if !header.starts_with(MAGIC) {
            return None;
        }
        let number = |at: usize| Some(u32::from_le_bytes(header.get(at..at + 4)?.try_into().ok()?));
        let blocks = usize::try_from(number(8)?).ok()?;
        let length = usize::try_from(number(12)?).ok()?;
        if blocks == 0 || blocks > MAX_BLOCKS {
            return None;
        }
        let mut frame = bytes.get(..blocks * BLOCK)?.to_vec();
        let checksum = u64::from_le_bytes(frame[CHECKSUM].try_into().ok()?);
        frame[CHECKSUM].fill(0);
        if extend(0, &frame) != checksum {
            return None;
        }
        let text = std::str::from_utf8(frame.get(HEADER..HEADER.checked_add(length)?)?).ok()?;
        let decoded = Self {
            next: number(16).filter(|next| *next > 0),
            prev: u128::from_le_bytes(frame[20..36].try_into().ok()?),
            before: u64::from_le_bytes(frame[36..44].try_into().ok()?),
            record: Record::decode(text).ok()?,
        };
        Some((decoded, frame.len()))
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
pub(crate) mod tests;
