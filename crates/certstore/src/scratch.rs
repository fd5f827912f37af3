//! Names for what a tool writes and removes again.

use certstore_core::{Dir, Key, OsRandom, Random, Result};

/// A directory that nobody else has: `certstore-PURPOSE-` and 32 hexadecimal digits.
pub(crate) fn directory(purpose: &str) -> Result<Dir> {
    Ok(Dir::from(Key::new(&format!("certstore-{purpose}-{:032x}", OsRandom.next_u128()))?))
}
