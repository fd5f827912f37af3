//! Other managers' names of keys and locks.

use std::borrow::Cow;
use std::fmt::Write as _;

use certstore_core::{Dir, Error, ErrorKind, Key, LockName, MAX_COMPONENT, MAX_LOCK_NAME, Result};
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use ring::digest::{SHA256, digest};

/// What stands between the beginning of a name and the hash that stands for the rest of it.
const CUT: char = '=';
/// SHA-256 in hexadecimal digits.
const HASH: usize = 64;
/// The longest extension that a shortened component keeps, with its dot.
const EXTENSION: usize = 16;

/// The key for a manager's `name`.
///
/// # Errors
/// [`ErrorKind::InvalidKey`], naming the rule that `name` breaks.
///
/// ```
/// let key = certstore_adapter::key("certificates/ca/bücher.example/bücher.example.key")?;
/// assert_eq!(key.as_str(), "certificates/ca/xn--bcher-kva.example/xn--bcher-kva.example.key");
/// assert_eq!(certstore_adapter::key(key.as_str())?, key);
/// # Ok::<(), certstore_core::Error>(())
/// ```
pub fn key(name: &str) -> Result<Key> {
    if name.is_ascii() && name.len() <= MAX_COMPONENT {
        return Key::new(name);
    }
    let components: Vec<_> = name.split('/').map(component).collect::<Result<_>>()?;
    Key::new(&components.join("/"))
}

/// The directory for a manager's `name`; the empty name is the root.
///
/// # Errors
/// As [`key`].
pub fn dir(name: &str) -> Result<Dir> {
    if name.is_empty() { Ok(Dir::ROOT) } else { key(name).map(Dir::from) }
}

/// The name of a lock for a manager's `name`.
///
/// # Errors
/// [`ErrorKind::InvalidKey`]: it is empty or has a NUL.
pub fn lock_name(name: &str) -> Result<LockName> {
    if name.len() <= MAX_LOCK_NAME {
        return LockName::new(name);
    }
    let room = name.floor_char_boundary(MAX_LOCK_NAME - HASH - CUT.len_utf8());
    LockName::new(&cut(&name[..room], name, ""))
}

fn component(component: &str) -> Result<Cow<'_, str>> {
    let ascii = if component.is_ascii() {
        Cow::Borrowed(component)
    } else {
        // Label by label: what is no label of a domain, such as `wildcard_`, stays out of IDNA's rules.
        let labels: Vec<_> = component.split('.').map(label).collect::<Result<_>>()?;
        Cow::Owned(labels.join("."))
    };
    Ok(if ascii.len() > MAX_COMPONENT { Cow::Owned(shortened(&ascii)) } else { ascii })
}

fn label(label: &str) -> Result<Cow<'_, str>> {
    if label.is_ascii() {
        return Ok(Cow::Borrowed(label));
    }
    let mapped = Uts46::new().to_ascii(
        label.as_bytes(),
        AsciiDenyList::EMPTY,
        Hyphens::Allow,
        DnsLength::Ignore,
    );
    match mapped {
        // A fullwidth slash becomes a slash, which would make two components of one.
        Ok(ascii) if !ascii.contains('/') => Ok(Cow::Owned(ascii.into_owned())),
        _ => {
            let shown: String = label.chars().take(80).flat_map(char::escape_debug).collect();
            Err(Error::new(
                ErrorKind::InvalidKey,
                "this part of a key is neither ASCII nor a label that IDNA allows in a domain",
            )
            .with_subject(shown))
        }
    }
}

/// What follows the last dot stays: managers tell a certificate from its key by it.
fn shortened(component: &str) -> String {
    let dot = component.rfind('.').filter(|dot| component.len() - dot <= EXTENSION);
    let (stem, extension) = component.split_at(dot.unwrap_or(component.len()));
    let room = MAX_COMPONENT - HASH - CUT.len_utf8() - extension.len();
    cut(&stem[..room.min(stem.len())], stem, extension)
}

fn cut(beginning: &str, whole: &str, extension: &str) -> String {
    let mut name = format!("{beginning}{CUT}");
    for byte in digest(&SHA256, whole.as_bytes()).as_ref() {
        // Writing to a string does not fail.
        let _ = write!(name, "{byte:02x}");
    }
    name.push_str(extension);
    name
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
