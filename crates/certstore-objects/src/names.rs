//! Object names: of values, lock records, journals and the probe's objects.

use std::fmt::Write as _;

use certstore_core::{Dir, Error, ErrorKind, Key, RESERVED, Result};
use ring::digest;

/// The longest escaped lock name that is kept as it is.
const MAX_PLAIN: usize = 200;

/// How much of a longer one is kept, for people.
const HEAD: usize = 100;

/// Builds and reads the object names under one prefix.
#[derive(Debug, Clone)]
pub struct ObjectNames {
    base: String,
    limit: usize,
    backend: &'static str,
}

impl ObjectNames {
    /// Under `base`: empty, or with a slash at its end. `limit` is the longest name of an object, in bytes; errors bear the
    /// name of the `backend`.
    #[must_use]
    pub fn new(base: &str, limit: usize, backend: &'static str) -> Self {
        Self { base: base.to_owned(), limit, backend }
    }

    /// The name of the backend.
    #[must_use]
    pub fn backend(&self) -> &'static str {
        self.backend
    }

    /// The object of a value: prefix and key as they are.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the name is too long.
    pub fn value(&self, key: &Key) -> Result<String> {
        self.fits(format!("{}{key}", self.base)).map_err(|error| error.with_key(key))
    }

    /// What the names of all objects in `dir` begin with.
    #[must_use]
    pub fn below(&self, dir: &Dir) -> String {
        match dir.key() {
            None => self.base.clone(),
            Some(key) => format!("{}{key}/", self.base),
        }
    }

    /// What the names of all objects of our own begin with: lock records, journals, the probe's.
    #[must_use]
    pub fn reserved(&self) -> String {
        format!("{}{RESERVED}/", self.base)
    }

    /// What the names of all lock records begin with.
    pub(crate) fn locks(&self) -> String {
        format!("{}{RESERVED}/lease/", self.base)
    }

    /// A lock's record.
    pub(crate) fn lock(&self, name: &str) -> String {
        format!("{}{}", self.locks(), mapped(name))
    }

    /// What the journals of `dir` and of all directories in it begin with.
    #[must_use]
    pub fn journals(&self, dir: &Dir) -> String {
        let journals = format!("{}{RESERVED}/journal/", self.base);
        if dir.is_root() { journals } else { format!("{journals}{dir}/") }
    }

    /// The journal of `dir`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the name is too long.
    pub fn journal(&self, dir: &Dir) -> Result<String> {
        self.fits(format!("{}~", self.journals(dir)))
    }

    /// The directory of a journal, unless the object is none.
    #[must_use]
    pub fn journal_dir(&self, object: &str) -> Option<Dir> {
        let dir = object.strip_prefix(&self.journals(&Dir::ROOT))?;
        if dir == "~" {
            return Some(Dir::ROOT);
        }
        Dir::new(dir.strip_suffix("/~")?).ok()
    }

    /// What the names of the objects of one probe begin with.
    #[must_use]
    pub fn probe(&self, nonce: u128) -> String {
        format!("{}{RESERVED}/probe/{nonce:032x}/", self.base)
    }

    /// The object's name without the prefix.
    #[must_use]
    pub fn relative<'a>(&self, object: &'a str) -> Option<&'a str> {
        object.strip_prefix(&self.base)
    }

    /// The name itself, if it is not too long.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: it is.
    pub fn fits(&self, object: String) -> Result<String> {
        if object.len() <= self.limit {
            return Ok(object);
        }
        let message = format!(
            "an object's name has at most {} bytes with the prefix, this one has {}",
            self.limit,
            object.len()
        );
        Err(Error::new(ErrorKind::InvalidKey, message).with_backend(self.backend))
    }
}

/// A lock's name as part of an object name: bytes that no key has are escaped as `~` and two digits; what grows too
/// long ends in `~~` and a digest of the whole.
#[must_use]
pub fn mapped(name: &str) -> String {
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
#[must_use]
pub fn unmapped(mapped: &str) -> Option<String> {
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
#[must_use]
pub fn hex_digest(bytes: &[u8]) -> String {
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
