//! A value of the copy as it lies in a storage.
//!
//! Integers are big-endian. After [`MAGIC`]: the time of the confirmation in seconds since 1970 (8 bytes), the set (1 byte
//! whether there is one, 16 bytes), the length of the version (2 bytes; `0xffff`: none), the version in UTF-8, the value.

use bytes::{Buf as _, BufMut as _, Bytes};
use certstore_core::Version;
use zeroize::Zeroizing;

const MAGIC: &[u8] = b"certstore-copy 1\n";
const NO_VERSION: u16 = u16::MAX;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// Seconds since 1970.
    pub(super) confirmed: u64,
    pub(super) set: Option<u128>,
    pub(super) version: Option<Version>,
    pub(super) value: Bytes,
}

impl Record {
    /// The bytes; `None` when the version is too long to be written.
    pub(super) fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let version = self.version.as_ref().map_or("", Version::as_str);
        let length = u16::try_from(version.len()).ok().filter(|length| *length != NO_VERSION)?;
        let size = MAGIC.len() + 8 + 17 + 2 + version.len() + self.value.len();
        // All at once: a buffer that grows leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(size));
        bytes.put_slice(MAGIC);
        bytes.put_u64(self.confirmed);
        bytes.put_u8(u8::from(self.set.is_some()));
        bytes.put_u128(self.set.unwrap_or_default());
        bytes.put_u16(if self.version.is_some() { length } else { NO_VERSION });
        bytes.put_slice(version.as_bytes());
        bytes.put_slice(&self.value);
        Some(bytes)
    }

    /// `None` when it is no such record, or a damaged one.
    pub(super) fn decode(mut bytes: Bytes) -> Option<Self> {
        if !bytes.starts_with(MAGIC) {
            return None;
        }
        bytes.advance(MAGIC.len());
        let confirmed = bytes.try_get_u64().ok()?;
        let set = match (bytes.try_get_u8().ok()?, bytes.try_get_u128().ok()?) {
            (0, _) => None,
            (_, set) => Some(set),
        };
        let version = match bytes.try_get_u16().ok()? {
            NO_VERSION => None,
            length if bytes.len() < usize::from(length) => return None,
            length => {
                let text = bytes.split_to(usize::from(length));
                Some(Version::new(std::str::from_utf8(&text).ok()?))
            }
        };
        Some(Self { confirmed, set, version, value: bytes })
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
