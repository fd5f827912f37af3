//! A value as it lies in Redis: one string, a head before the value's own bytes.
//!
//! One string is what lets a plain store be one `SET`, where a script costs the server several times as much
//! (decision 16). The head's fixed part tells version, time and where the value begins, so that a stat
//! reads only that.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use certstore_core::{Error, Key, KeyInfo, Result, Version, Versioned};

use crate::error::unexpected_reply;

/// What every head begins with.
const MARK: &[u8] = b"cs1 ";

/// The length of the head of a value without a stamp: mark, own length in 4 digits, version in 32, time in 20, and what
/// separates them. Scripts read this much to learn of a value.
pub(super) const PLAIN_HEAD: usize = 63;

/// The number of the last byte of that part, as scripts take it.
pub(super) const LAST_OF_HEAD: &str = "62";

/// What the 4 digits of a head's own length can say.
const LONGEST_HEAD: usize = 9_999;

/// Who wrote under which lock.
pub(super) struct Stamp<'a> {
    pub(super) locker: &'a str,
    pub(super) lock: &'a str,
    /// 20 digits, so that tokens compare as text: Lua's numbers have 53 bits.
    pub(super) token: &'a str,
}

/// The head and the value.
pub(super) fn encode(value: &[u8], version: &str, stamp: Option<&Stamp<'_>>) -> Result<Vec<u8>> {
    // As the files of CertMagic, by the clock of who writes: `SET` knows no other.
    let modified = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    let stamp = stamp.map_or_else(String::new, |stamp| {
        format!(" {} {:04} {}{}", stamp.token, stamp.locker.len(), stamp.locker, stamp.lock)
    });
    let length = PLAIN_HEAD + stamp.len();
    if length > LONGEST_HEAD {
        return Err(Error::unsupported(format!(
            "the lock's name and its locker's identity are too long to be kept with a value: {} bytes",
            stamp.len()
        )));
    }
    let mut encoded = Vec::with_capacity(length + value.len());
    encoded.extend_from_slice(MARK);
    encoded.extend_from_slice(format!("{length:04} {version} {modified:020}{stamp}\n").as_bytes());
    encoded.extend_from_slice(value);
    Ok(encoded)
}

/// What a head tells.
struct Head<'a> {
    length: usize,
    version: &'a str,
    modified: SystemTime,
}

impl<'a> Head<'a> {
    /// Reads the fixed part.
    fn parse(stored: &'a [u8]) -> Option<Self> {
        let fixed = std::str::from_utf8(stored.get(..PLAIN_HEAD - 1)?).ok()?;
        let mut fields = fixed.strip_prefix(std::str::from_utf8(MARK).ok()?)?.split(' ');
        let length: usize = fields.next()?.parse().ok()?;
        let version = fields.next().filter(|version| version.len() == 32)?;
        let modified = Duration::from_micros(fields.next()?.parse().ok()?);
        let whole = fields.next().is_none() && length >= PLAIN_HEAD;
        whole.then_some(Self { length, version, modified: UNIX_EPOCH + modified })
    }
}

/// The value in what was stored.
pub(super) fn decode(stored: Vec<u8>) -> Result<Versioned> {
    let Some(Head { length, version, .. }) = Head::parse(&stored) else { return Err(no_value()) };
    let version = Version::new(version);
    let mut value = Bytes::from(stored);
    if value.len() < length {
        return Err(no_value());
    }
    Ok(Versioned { value: value.split_off(length), version })
}

/// What is known of a value by the fixed part of its head and the length of the whole.
pub(super) fn info(key: Key, head: &[u8], stored: u64) -> Result<KeyInfo> {
    let head = Head::parse(head).ok_or_else(no_value)?;
    let size = stored.checked_sub(head.length as u64).ok_or_else(no_value)?;
    Ok(KeyInfo::file(key)
        .with_size(size)
        .with_modified(head.modified)
        .with_version(Version::new(head.version)))
}

fn no_value() -> Error {
    unexpected_reply()
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
