//! Secret names: of values, lock records, journals.
//!
//! A secret's name has letters, digits and `/_+=.@-`, and so has a key, so most names are prefix and key as they are. A
//! name that ends in a hyphen and six characters cannot be told from an ARN without its ending
//! (<https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html>), so it gets [`ENDING`], which
//! ends in a dot as no key does. Secrets that other programs have named without it are found by their whole names, which
//! are no ARNs and so not ambiguous.

use std::fmt::Write as _;

use certstore_core::{Dir, Error, ErrorKind, Key, RESERVED, Result};
use ring::digest;

use crate::error::BACKEND;

/// The longest name of a secret, in bytes.
pub(crate) const MAX_NAME: usize = 512;

/// Stands behind a name that would end in a hyphen and six characters.
const ENDING: &str = ".escape.";

/// The longest escaped lock name that is kept as it is.
const MAX_PLAIN: usize = 200;

/// How much of a longer one is kept, for people.
const HEAD: usize = 100;

/// Builds and reads the secret names under one prefix.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    base: String,
}

impl Names {
    pub(crate) fn new(base: &str) -> Self {
        Self { base: base.to_owned() }
    }

    /// The secret of a value.
    pub(crate) fn value(&self, key: &Key) -> Result<String> {
        fits(format!("{}{key}", self.base)).map_err(|error| error.with_key(key))
    }

    /// The name that other programs give to the secret of a value, where ours is another one.
    pub(crate) fn bare(&self, key: &Key) -> Option<String> {
        let name = format!("{}{key}", self.base);
        (is_ambiguous(&name) && name.len() <= MAX_NAME).then_some(name)
    }

    /// What the names of all secrets in `dir` begin with.
    pub(crate) fn below(&self, dir: &Dir) -> String {
        match dir.key() {
            None => self.base.clone(),
            Some(key) => format!("{}{key}/", self.base),
        }
    }

    /// What the names of all secrets begin with.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn locks(&self) -> String {
        format!("{}{RESERVED}/lease/", self.base)
    }

    pub(crate) fn lock(&self, name: &str) -> Result<String> {
        fits(format!("{}{}", self.locks(), mapped(name)))
    }

    /// The lock's name in a secret's, unless only its digest is kept.
    pub(crate) fn lock_of(&self, secret: &str) -> Option<String> {
        unmapped(plain(secret)?.strip_prefix(&self.locks())?)
    }

    /// What the journals of `dir` and of all directories in it begin with.
    pub(crate) fn journals(&self, dir: &Dir) -> String {
        let journals = format!("{}{RESERVED}/journal/", self.base);
        if dir.is_root() { journals } else { format!("{journals}{dir}/") }
    }

    pub(crate) fn journal(&self, dir: &Dir) -> Result<String> {
        fits(format!("{}.", self.journals(dir)))
    }

    /// The directory of a journal, unless the secret is none.
    pub(crate) fn journal_dir(&self, secret: &str) -> Option<Dir> {
        let dir = plain(secret)?.strip_prefix(&self.journals(&Dir::ROOT))?;
        if dir == "." {
            return Some(Dir::ROOT);
        }
        Dir::new(dir.strip_suffix("/.")?).ok()
    }

    /// The secret's name without the prefix, as it was before it was escaped, if it was.
    pub(crate) fn relative<'a>(&self, secret: &'a str) -> Option<&'a str> {
        plain(secret).unwrap_or(secret).strip_prefix(&self.base)
    }
}

/// The name that is kept for `name`, if that is not too long.
fn fits(mut name: String) -> Result<String> {
    if is_ambiguous(&name) {
        name.push_str(ENDING);
    }
    if name.len() <= MAX_NAME {
        return Ok(name);
    }
    let message = format!(
        "a secret's name has at most {MAX_NAME} bytes with the prefix, this one has {}",
        name.len()
    );
    Err(Error::new(ErrorKind::InvalidKey, message).with_backend(BACKEND))
}

/// What a secret's name stands for; `None` for one that is not kept so.
fn plain(secret: &str) -> Option<&str> {
    match secret.strip_suffix(ENDING) {
        Some(plain) => is_ambiguous(plain).then_some(plain),
        None => (!is_ambiguous(secret)).then_some(secret),
    }
}

fn is_ambiguous(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.len() >= 7 && bytes[bytes.len() - 7] == b'-'
}

/// A lock's name as part of a secret's: other bytes are escaped as `=` and two digits; what grows too long ends in `==`
/// and a digest of the whole.
fn mapped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    let only_dots = name.bytes().all(|byte| byte == b'.');
    for byte in name.bytes() {
        let plain = byte.is_ascii_alphanumeric()
            || matches!(byte, b'_' | b'@' | b'+' | b'-')
            || (byte == b'.' && !only_dots);
        if plain {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "={byte:02X}");
        }
    }
    if escaped.len() <= MAX_PLAIN && !escaped.ends_with(ENDING) {
        return escaped;
    }
    // Escapes are ASCII, so every index is a boundary; one that is cut in two is still only for people.
    let head = &escaped[..escaped.len().min(HEAD)];
    format!("{head}=={}", hex_digest(name.as_bytes()))
}

fn unmapped(mapped: &str) -> Option<String> {
    let mut bytes = mapped.bytes();
    let mut name = Vec::with_capacity(mapped.len());
    while let Some(byte) = bytes.next() {
        name.push(match byte {
            b'=' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(name).ok()
}

/// SHA-256 as hexadecimal digits.
fn hex_digest(bytes: &[u8]) -> String {
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
