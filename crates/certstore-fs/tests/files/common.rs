//! What the tests of this crate share.

use std::path::Path;

use certstore_core::{Dir, Key, LockName};
use certstore_fs::{FsConfig, FsStorage};
use tempfile::TempDir;

/// A storage in a fresh directory, removed with the first of the two.
pub(crate) fn storage() -> (TempDir, FsStorage) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let storage = open(dir.path());
    (dir, storage)
}

/// A storage in `root`, as another process would open it.
pub(crate) fn open(root: &Path) -> FsStorage {
    FsStorage::open(&FsConfig::new(root)).expect("a storage")
}

pub(crate) fn key(key: &str) -> Key {
    key.parse().expect("a key")
}

pub(crate) fn dir(dir: &str) -> Dir {
    dir.parse().expect("a directory")
}

pub(crate) fn name(name: &str) -> LockName {
    name.parse().expect("a lock name")
}

/// The names in a directory, hidden ones included, sorted.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).expect("a directory");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
