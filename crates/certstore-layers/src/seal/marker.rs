//! The marker: one value that says that a store is wholly sealed.
//!
//! Only then is the size of a value known from the size of what is stored. It is a sealed value itself, so it also tells at
//! opening that a keyset is the wrong one.

use std::sync::LazyLock;

use certstore_core::{Dir, Error, ErrorKind, Key, KeyInfo, Result};

/// In the root, of characters that every backend takes. It is nobody else's: the layer refuses it, and what would lie
/// below it, to its users, and shows it in no list.
pub(super) static MARKER: LazyLock<Key> =
    LazyLock::new(|| Key::new(NAME).expect("the marker's name is a valid key"));

const NAME: &str = ".certstore-sealed";

/// What it says, once opened.
pub(super) const CONTENT: &[u8] = b"certstore-sealed 1\n";

/// Whether a key is the marker or lies below it, in any spelling: some file systems do not tell `a` from `A`.
pub(super) fn is_marker(key: &Key) -> bool {
    key.components().next().is_some_and(|first| first.eq_ignore_ascii_case(NAME))
}

/// Refuses the marker's own key, before any I/O.
///
/// # Errors
/// [`ErrorKind::InvalidKey`].
pub(super) fn check(operation: &'static str, key: &Key) -> Result<()> {
    if is_marker(key) {
        let message = format!("the first component \"{NAME}\" is reserved for sealed storages");
        return Err(Error::new(ErrorKind::InvalidKey, message)
            .with_operation(operation)
            .with_key(key));
    }
    Ok(())
}

/// As [`check`], of a directory.
pub(super) fn check_dir(operation: &'static str, dir: &Dir) -> Result<()> {
    dir.key().map_or(Ok(()), |key| check(operation, key))
}

/// What is known of a value, with the size of the plaintext where `overhead` tells it.
pub(super) fn unsealed_info(mut info: KeyInfo, overhead: Option<u64>) -> KeyInfo {
    // Shorter than its overhead, it is no sealed value, and loading it tells so.
    info.size = info.size.zip(overhead).and_then(|(size, overhead)| size.checked_sub(overhead));
    info
}
