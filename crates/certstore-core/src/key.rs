//! Keys: where a value lies. Parsed once, valid ever after.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::{Error, ErrorKind};

/// The longest component of a key, in bytes.
///
/// File names end at 255 bytes on every common file system; 24 are left for the names of temporary files.
pub const MAX_COMPONENT: usize = 231;

/// The longest key, in bytes. S3 and GCS end at 1,024 and OSS at 1,023, storage prefix included.
pub const MAX_KEY: usize = 1000;

/// The first component that no key may have: every backend keeps its lock records there.
pub const RESERVED: &str = "locks";

/// The name of a value: components joined by `/`, for example
/// `certificates/acme-v02.api.letsencrypt.org-directory/example.com/example.com.crt`.
///
/// A key is parsed once and valid ever after, so no backend checks it again.
///
/// * **\[KEY-1\]** A key has one or more components of 1 to 231 bytes from `A-Z a-z 0-9 _ @ . + = -`, joined by
///   single `/`, 1,000 bytes in all. No component is `.` or `..` or ends with a dot. Anything else is
///   [`ErrorKind::InvalidKey`] before any I/O, with a message that names the broken rule.
/// * **\[KEY-2\]** A prefix is whole components: `a` is a prefix of `a/b` and not of `ab` or `a-b/c`.
/// * **\[KEY-3\]** The first component `locks` is reserved on every backend: [`ErrorKind::InvalidKey`].
/// * **\[KEY-4\]** A key is never both a value and a directory where the backend can see it
///   ([`Tree::Exclusive`](crate::Tree)): a store of `a/b` under the value `a`, or of `a` above `a/b`, is
///   [`ErrorKind::Conflict`] and writes nothing. Other backends ([`Tree::Overlapping`](crate::Tree)) keep both: load and
///   stat give the value, list names the key once, delete removes both.
/// * **\[KEY-5\]** The longest legal key works, or is [`ErrorKind::InvalidKey`] naming the backend's limit.
///
/// ```
/// use certstore_core::Key;
/// let key: Key = "certificates/local/example.com/example.com.crt".parse()?;
/// assert_eq!(key.name(), "example.com.crt");
/// assert!("../etc/passwd".parse::<Key>().is_err());
/// # Ok::<(), certstore_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

impl Key {
    /// Parses a key.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`], naming the rule that `key` breaks.
    pub fn new(key: &str) -> Result<Self, Error> {
        if is_plainly_valid(key.as_bytes()) {
            return Ok(Self(key.into()));
        }
        match broken_rule(key) {
            None => Ok(Self(key.into())),
            Some(rule) => Err(invalid(key, rule)),
        }
    }

    /// The key as text, without leading or trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last component.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The components, from the first to the last.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The directory that the key lies in; the root for a key of one component.
    #[must_use]
    pub fn parent(&self) -> Dir {
        match self.0.rsplit_once('/') {
            Some((parent, _)) => Dir(Some(Self(parent.into()))),
            None => Dir::ROOT,
        }
    }

    /// The key one component below this one.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`] when `component` is no valid component or the whole grows too long.
    pub fn join(&self, component: &str) -> Result<Self, Error> {
        Self::new(&format!("{}/{component}", self.0))
    }

    /// Whether `self` lies below `directory`, by whole components. A key does not lie below itself.
    #[must_use]
    pub fn is_below(&self, directory: &Dir) -> bool {
        match &directory.0 {
            None => true,
            Some(dir) => self.0.strip_prefix(&*dir.0).is_some_and(|rest| rest.starts_with('/')),
        }
    }
}

impl FromStr for Key {
    type Err = Error;
    fn from_str(key: &str) -> Result<Self, Error> {
        Self::new(key)
    }
}

impl TryFrom<&str> for Key {
    type Error = Error;
    fn try_from(key: &str) -> Result<Self, Error> {
        Self::new(key)
    }
}

/// Keys order, compare and hash as their text, bytewise.
impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Key {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// A directory: the root, or a key that other keys lie below.
///
/// ```
/// use certstore_core::{Dir, Key};
/// let root: Dir = "".parse()?;
/// assert!(root.is_root());
/// let dir = Dir::from(Key::new("certificates")?);
/// assert!(Key::new("certificates/local")?.is_below(&dir));
/// # Ok::<(), certstore_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dir(Option<Key>);

impl Dir {
    /// The directory that all keys lie below.
    pub const ROOT: Self = Self(None);

    /// Parses a directory; the empty string is the root.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`], naming the rule that `dir` breaks.
    pub fn new(dir: &str) -> Result<Self, Error> {
        if dir.is_empty() { Ok(Self::ROOT) } else { Key::new(dir).map(|key| Self(Some(key))) }
    }

    /// Whether this is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_none()
    }

    /// The directory as a key; `None` for the root.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        self.0.as_ref()
    }

    /// The directory as text; empty for the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_ref().map_or("", Key::as_str)
    }

    /// The key of `component` in this directory.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`] when `component` is no valid component or the whole grows too long.
    pub fn join(&self, component: &str) -> Result<Key, Error> {
        match &self.0 {
            None => Key::new(component),
            Some(dir) => dir.join(component),
        }
    }
}

impl From<Key> for Dir {
    fn from(key: Key) -> Self {
        Self(Some(key))
    }
}

impl From<&Key> for Dir {
    fn from(key: &Key) -> Self {
        Self(Some(key.clone()))
    }
}

impl FromStr for Dir {
    type Err = Error;
    fn from_str(dir: &str) -> Result<Self, Error> {
        Self::new(dir)
    }
}

impl fmt::Display for Dir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Dir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

fn invalid(key: &str, rule: String) -> Error {
    // A key can be anything a user typed: shown escaped and cut, so that an error stays one line.
    let shown: String = key.chars().take(80).flat_map(char::escape_debug).collect();
    Error::new(ErrorKind::InvalidKey, rule).with_subject(shown)
}

/// One pass over the bytes, for the keys that break no rule; which rule another one breaks is [`broken_rule`]'s to say.
fn is_plainly_valid(key: &[u8]) -> bool {
    let mut component = 0;
    for (at, byte) in key.iter().enumerate() {
        if *byte == b'/' {
            if !is_plain_component(&key[component..at]) {
                return false;
            }
            component = at + 1;
        } else if !allowed(char::from(*byte)) {
            return false;
        }
    }
    let reserved = key.strip_prefix(RESERVED.as_bytes());
    key.len() <= MAX_KEY
        && is_plain_component(&key[component..])
        && !reserved.is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

fn is_plain_component(component: &[u8]) -> bool {
    component.len() <= MAX_COMPONENT && component.last().is_some_and(|last| *last != b'.')
}

fn broken_rule(key: &str) -> Option<String> {
    if key.is_empty() {
        return Some("a key must not be empty".into());
    }
    if key.len() > MAX_KEY {
        return Some(format!("a key has at most {MAX_KEY} bytes, this one has {}", key.len()));
    }
    if let Some(bad) = key.chars().find(|c| !allowed(*c)) {
        return Some(format!(
            "a key has only the characters A-Z a-z 0-9 _ @ . + = - and /, not {bad:?}"
        ));
    }
    if key.starts_with('/') || key.ends_with('/') {
        return Some("a key has no slash at its start or end".into());
    }
    if key.split('/').next() == Some(RESERVED) {
        return Some(format!("the first component \"{RESERVED}\" is reserved for lock records"));
    }
    key.split('/').find_map(broken_component)
}

fn broken_component(component: &str) -> Option<String> {
    if component.is_empty() {
        Some("a key has no empty component (two slashes in a row)".into())
    } else if component == "." || component == ".." {
        Some(format!("no component of a key is {component:?}"))
    } else if component.ends_with('.') {
        Some(format!("no component of a key ends with a dot: {component:?}"))
    } else if component.len() > MAX_COMPONENT {
        Some(format!(
            "a component has at most {MAX_COMPONENT} bytes, this one has {}",
            component.len()
        ))
    } else {
        None
    }
}

fn allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '.' | '+' | '=' | '-' | '/')
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
