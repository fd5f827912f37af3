//! Names as keys of a table.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};

/// Most names are shorter.
const INLINE: usize = 30;

/// A name whose bytes lie in the table's own entry if they are few, as nearly always: a lookup that finds its entry has
/// what it compares with at hand, and a name costs no allocation of its own.
#[derive(Clone)]
pub(super) enum Name {
    Inline { length: u8, bytes: [u8; INLINE] },
    Boxed(Box<[u8]>),
}

impl Name {
    pub(super) fn new(name: &str) -> Self {
        let name = name.as_bytes();
        match u8::try_from(name.len()) {
            Ok(length) if name.len() <= INLINE => {
                let mut bytes = [0; INLINE];
                bytes[..name.len()].copy_from_slice(name);
                Self::Inline { length, bytes }
            }
            _ => Self::Boxed(name.into()),
        }
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Inline { length, bytes } => &bytes[..usize::from(*length).min(INLINE)],
            Self::Boxed(bytes) => bytes,
        }
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl Borrow<[u8]> for Name {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(self.as_bytes()), f)
    }
}

#[cfg(test)]
#[path = "name_tests.rs"]
mod tests;
