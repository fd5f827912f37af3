//! Object names: of values, lock records, journals and the probe's objects.

use std::fmt::Write as _;

use certstore_core::{Dir, Error, ErrorKind, Key, RESERVED, Result};
use ring::digest;

use crate::error::BACKEND;

/// The longest object name of OSS, in bytes: <https://www.alibabacloud.com/help/en/oss/user-guide/object-naming-conventions>.
pub(crate) const MAX_OBJECT: usize = 1023;

/// The longest escaped lock name that is kept as it is.
const MAX_PLAIN: usize = 200;

/// How much of a longer one is kept, for people.
const HEAD: usize = 100;

/// How the names of certmagic-oss's lock objects end.
pub(crate) const PEER_LOCK: &str = ".lock";

/// Builds and reads the object names under one prefix.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    base: String,
    /// Whether names that end in [`PEER_LOCK`] are locks.
    peer_locks: bool,
}

impl Names {
    pub(crate) fn new(base: &str) -> Self {
        Self { base: base.to_owned(), peer_locks: false }
    }

    /// Beside locks of certmagic-oss.
    pub(crate) fn with_peer_locks(self) -> Self {
        Self { peer_locks: true, ..self }
    }

    /// The object of a value: prefix and key as they are.
    pub(crate) fn value(&self, key: &Key) -> Result<String> {
        let object = format!("{}{key}", self.base);
        if self.is_peer_lock(&object) {
            let message = "with lock_mode certmagic-oss a name that ends in .lock is a lock's";
            return Err(Error::new(ErrorKind::InvalidKey, message).with_key(key));
        }
        fits(object).map_err(|error| error.with_key(key))
    }

    /// Whether it is a lock that is shared with certmagic-oss, which lie among the values.
    pub(crate) fn is_peer_lock(&self, object: &str) -> bool {
        self.peer_locks && object.ends_with(PEER_LOCK)
    }

    /// What a lock that is shared with certmagic-oss is called there: its name as it is.
    pub(crate) fn peer_lock(&self, name: &str) -> Result<String> {
        let object = format!("{}{name}{PEER_LOCK}", self.base);
        if object.starts_with(['/', '\\']) {
            let message = "with lock_mode certmagic-oss a lock's name does not begin with a slash or backslash";
            return Err(Error::new(ErrorKind::InvalidKey, message).with_backend(BACKEND));
        }
        if name.split('/').any(|part| matches!(part, "." | "..")) {
            let message = "with lock_mode certmagic-oss a lock's name has no component . or ..";
            return Err(Error::new(ErrorKind::InvalidKey, message).with_backend(BACKEND));
        }
        fits(object)
    }

    /// What the names of all objects in `dir` begin with.
    pub(crate) fn below(&self, dir: &Dir) -> String {
        match dir.key() {
            None => self.base.clone(),
            Some(key) => format!("{}{key}/", self.base),
        }
    }

    /// What the names of all objects of our own begin with: lock records, journals, the probe's.
    pub(crate) fn reserved(&self) -> String {
        format!("{}{RESERVED}/", self.base)
    }

    /// What the names of all logs begin with.
    pub(crate) fn logs(&self) -> String {
        format!("{}{RESERVED}/log/", self.base)
    }

    /// What the names of all logs of one lock begin with.
    pub(crate) fn epochs(&self, name: &str) -> String {
        format!("{}{}/", self.logs(), mapped(name))
    }

    /// A lock's log. Numbers of one length, so that the newest is the last in a list.
    pub(crate) fn log(&self, name: &str, epoch: u32) -> String {
        format!("{}{epoch:010}", self.epochs(name))
    }

    /// What the journals of `dir` and of all directories in it begin with.
    pub(crate) fn journals(&self, dir: &Dir) -> String {
        let journals = format!("{}{RESERVED}/journal/", self.base);
        if dir.is_root() { journals } else { format!("{journals}{dir}/") }
    }

    pub(crate) fn journal(&self, dir: &Dir) -> Result<String> {
        fits(format!("{}~", self.journals(dir)))
    }

    /// The directory of a journal, unless the object is none.
    pub(crate) fn journal_dir(&self, object: &str) -> Option<Dir> {
        let dir = object.strip_prefix(&self.journals(&Dir::ROOT))?;
        if dir == "~" {
            return Some(Dir::ROOT);
        }
        Dir::new(dir.strip_suffix("/~")?).ok()
    }

    pub(crate) fn probe(&self, nonce: u128) -> String {
        format!("{}{RESERVED}/probe/{nonce:032x}/", self.base)
    }

    /// The object's name without the prefix.
    pub(crate) fn relative<'a>(&self, object: &'a str) -> Option<&'a str> {
        object.strip_prefix(&self.base)
    }
}

fn fits(object: String) -> Result<String> {
    if object.len() <= MAX_OBJECT {
        return Ok(object);
    }
    let message = format!(
        "an object's name has at most {MAX_OBJECT} bytes with the prefix, this one has {}",
        object.len()
    );
    Err(Error::new(ErrorKind::InvalidKey, message).with_backend(BACKEND))
}

/// A lock's name as part of an object name: bytes that no key has are escaped as `~` and two digits; what grows too
/// long ends in `~~` and a digest of the whole.
fn mapped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for byte in name.bytes() {
        let only_dots = name.bytes().all(|byte| byte == b'.');
        let plain = byte.is_ascii_alphanumeric()
            || matches!(byte, b'_' | b'@' | b'+' | b'=' | b'-')
            || (byte == b'.' && !only_dots);
        if plain {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "~{byte:02X}");
        }
    }
    if escaped.len() <= MAX_PLAIN {
        return escaped;
    }
    // Escapes are ASCII, so every index is a boundary; one that is cut in two is still only for people.
    format!("{}~~{}", &escaped[..HEAD], hex_digest(name.as_bytes()))
}

/// The lock's name, unless only its digest is kept.
pub(crate) fn unmapped(mapped: &str) -> Option<String> {
    let mut bytes = mapped.bytes();
    let mut name = Vec::with_capacity(mapped.len());
    while let Some(byte) = bytes.next() {
        name.push(match byte {
            b'~' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(name).ok()
}

/// SHA-256 as hexadecimal digits.
pub(crate) fn hex_digest(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in digest::digest(&digest::SHA256, bytes).as_ref() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
