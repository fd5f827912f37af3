//! The name of a lock.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::{Error, ErrorKind};

/// The longest lock name, in bytes.
pub const MAX_LOCK_NAME: usize = 512;

/// The name of a lock: any UTF-8 of 1 to 512 bytes without NUL. Backends map it to what they can store.
///
/// ```
/// use certstore_core::LockName;
/// let name: LockName = "issue_cert_bücher.example".parse()?;
/// assert!("".parse::<LockName>().is_err());
/// # Ok::<(), certstore_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockName(Arc<str>);

impl LockName {
    /// Parses a lock name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`] when it is empty, over 512 bytes, or has a NUL.
    pub fn new(name: &str) -> Result<Self, Error> {
        let rule = if name.is_empty() {
            "a lock name must not be empty".to_owned()
        } else if name.len() > MAX_LOCK_NAME {
            format!("a lock name has at most {MAX_LOCK_NAME} bytes, this one has {}", name.len())
        } else if name.contains('\0') {
            "a lock name has no NUL".to_owned()
        } else {
            return Ok(Self(name.into()));
        };
        let shown: String = name.chars().take(80).flat_map(char::escape_debug).collect();
        Err(Error::new(ErrorKind::InvalidKey, rule).with_subject(shown))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LockName {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self, Error> {
        Self::new(name)
    }
}

impl TryFrom<&str> for LockName {
    type Error = Error;
    fn try_from(name: &str) -> Result<Self, Error> {
        Self::new(name)
    }
}

impl AsRef<str> for LockName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for LockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}
