//! Versions and stamps: a small record in an extended attribute of each file, renamed into place with it.
//!
//! Other programs know nothing of the record. One that replaces the file drops it; one that rewrites the file in place
//! leaves it behind on other bytes. So a record counts only while size, time and, once they are read, bytes are those
//! it was written for; else the version is the hash of the bytes and there is no stamp.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;

use certstore_core::{Lock, Version};
use ring::digest::{Context, SHA256, digest};
use rustix::fs::{Stat, XattrFlags, fgetxattr, fsetxattr};
use rustix::io::Errno;

use crate::read::nanoseconds;

/// The attribute's name.
pub(crate) const ATTRIBUTE: &str = "user.certstore";

/// Up to 60 bytes stay in an inode of 256 bytes on ext4; more would cost a block and a write.
const PLAIN_LEN: usize = 33;
const STAMPED_LEN: usize = PLAIN_LEN + 24;

const FORMAT: u8 = 1;

/// What this crate notes about a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// Unique to the write.
    pub(crate) nonce: u64,
    /// The start of the value's SHA-256.
    pub(crate) digest: u64,
    /// The value's size in bytes.
    pub(crate) size: u64,
    /// The file's time of modification, in nanoseconds since 1970.
    pub(crate) modified: i64,
    /// Under which lock it was written; `None` for a plain write.
    pub(crate) stamp: Option<Stamp>,
}

/// Under which lock a value was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The start of the SHA-256 of locker and lock name.
    pub(crate) lock: [u8; 16],
    /// The holder's token.
    pub(crate) token: u64,
}

impl Stamp {
    /// The stamp of writes under `guard`.
    pub(crate) fn of(guard: &Lock) -> Self {
        let mut hash = Context::new(&SHA256);
        hash.update(guard.locker_id().as_str().as_bytes());
        hash.update(&[0]);
        hash.update(guard.name().as_str().as_bytes());
        let mut lock = [0; 16];
        lock.copy_from_slice(&hash.finish().as_ref()[..16]);
        Self { lock, token: guard.token().0 }
    }
}

impl Record {
    /// The record of writing `value` to `file`, whose bytes are all written.
    pub(crate) fn new(nonce: u64, value: &[u8], stat: &Stat, stamp: Option<Stamp>) -> Self {
        Self {
            nonce,
            digest: short_digest(value),
            size: value.len() as u64,
            modified: modified_ns(stat),
            stamp,
        }
    }

    /// Attaches the record to `file`.
    pub(crate) fn attach(&self, file: &File) -> io::Result<()> {
        Ok(fsetxattr(file, ATTRIBUTE, &self.encode(), XattrFlags::empty())?)
    }

    /// The record of `file`; `None` when there is none, or none that this version understands.
    pub(crate) fn of(file: &File) -> io::Result<Option<Self>> {
        let mut space = [MaybeUninit::<u8>::uninit(); 128];
        match fgetxattr(file, ATTRIBUTE, &mut space) {
            Ok((bytes, _)) => Ok(Self::decode(bytes)),
            Err(error) if is_absent(error) || is_unsupported(error) || error == Errno::RANGE => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the file looks as it did when the record was written.
    pub(crate) fn fits(&self, stat: &Stat) -> bool {
        u64::try_from(stat.st_size) == Ok(self.size) && modified_ns(stat) == self.modified
    }

    /// Whether it also has the bytes it had then.
    pub(crate) fn fits_value(&self, stat: &Stat, value: &[u8]) -> bool {
        self.fits(stat) && short_digest(value) == self.digest
    }

    /// The version of this write.
    pub(crate) fn version(&self) -> Version {
        Version::new(format!("{:016x}", self.nonce))
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(STAMPED_LEN);
        bytes.push(FORMAT);
        bytes.extend(self.nonce.to_le_bytes());
        bytes.extend(self.digest.to_le_bytes());
        bytes.extend(self.size.to_le_bytes());
        bytes.extend(self.modified.to_le_bytes());
        if let Some(stamp) = &self.stamp {
            bytes.extend(stamp.lock);
            bytes.extend(stamp.token.to_le_bytes());
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let stamp = match bytes.len() {
            PLAIN_LEN => None,
            STAMPED_LEN => Some(Stamp {
                lock: bytes[PLAIN_LEN..PLAIN_LEN + 16].try_into().ok()?,
                token: number(bytes, 49)?,
            }),
            _ => return None,
        };
        (bytes[0] == FORMAT).then_some(())?;
        Some(Self {
            nonce: number(bytes, 1)?,
            digest: number(bytes, 9)?,
            size: number(bytes, 17)?,
            modified: number(bytes, 25)?.cast_signed(),
            stamp,
        })
    }
}

/// The version of bytes that nobody of ours has written, or on a file system without extended attributes.
pub(crate) fn content_version(value: &[u8]) -> Version {
    let hash = digest(&SHA256, value);
    let mut text = String::with_capacity(34);
    text.push_str("c-");
    for byte in &hash.as_ref()[..16] {
        text.push_str(&format!("{byte:02x}"));
    }
    Version::new(text)
}

/// Whether the file system of `dir` keeps the attribute. It asks for it and changes nothing.
pub(crate) fn is_supported(dir: &File) -> bool {
    let mut space = [MaybeUninit::<u8>::uninit(); 128];
    fgetxattr(dir, ATTRIBUTE, &mut space).map_or_else(is_absent, |_| true)
}

fn is_absent(error: Errno) -> bool {
    // macOS has a number of its own for it, ENOATTR.
    error == Errno::NODATA || cfg!(target_vendor = "apple") && error.raw_os_error() == 93
}

fn is_unsupported(error: Errno) -> bool {
    [Errno::OPNOTSUPP, Errno::NOTSUP, Errno::NOSYS].contains(&error)
}

fn short_digest(value: &[u8]) -> u64 {
    number(digest(&SHA256, value).as_ref(), 0).unwrap_or_default()
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

fn modified_ns(stat: &Stat) -> i64 {
    // 292 years either side of 1970; beyond, the times are equal and the bytes decide.
    stat.st_mtime.saturating_mul(1_000_000_000).saturating_add(i64::from(nanoseconds(stat)))
}

#[cfg(test)]
#[path = "version_tests.rs"]
mod tests;
