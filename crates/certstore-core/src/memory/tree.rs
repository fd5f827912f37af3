//! The values, sorted by key.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::SystemTime;

use bytes::Bytes;

use crate::stamp::Stamp;
use crate::{Dir, Error, ErrorKind, Key, KeyInfo, Result, Version};

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) value: Bytes,
    pub(super) version: Version,
    pub(super) modified: SystemTime,
    pub(super) stamp: Option<Stamp>,
}

#[derive(Debug, Default)]
pub(super) struct Tree {
    entries: BTreeMap<Key, Entry>,
    versions: u64,
}

impl Tree {
    pub(super) fn get(&self, key: &Key) -> Option<&Entry> {
        self.entries.get(key)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Writes; versions count through the whole store, so none ever comes back.
    pub(super) fn put(
        &mut self,
        key: &Key,
        value: Bytes,
        modified: SystemTime,
        stamp: Option<Stamp>,
    ) -> Version {
        self.versions += 1;
        let version = Version::new(self.versions.to_string());
        self.entries
            .insert(key.clone(), Entry { value, version: version.clone(), modified, stamp });
        version
    }

    pub(super) fn remove(&mut self, key: &Key) -> bool {
        self.entries.remove(key).is_some()
    }

    /// A key is never both a value and a directory.
    pub(super) fn check_place(&self, key: &Key) -> Result<()> {
        if self.has_below(&key.into()) {
            return Err(Error::new(
                ErrorKind::Conflict,
                "there are keys below this one, so it cannot have a value",
            ));
        }
        let mut above = key.parent();
        while let Some(dir) = above.key() {
            if self.entries.contains_key(dir) {
                let message = format!("\"{dir}\" above it has a value, so nothing can lie below");
                return Err(Error::new(ErrorKind::Conflict, message));
            }
            above = dir.parent();
        }
        Ok(())
    }

    pub(super) fn has_below(&self, dir: &Dir) -> bool {
        self.below(dir).next().is_some()
    }

    pub(super) fn below<'a>(
        &'a self,
        dir: &Dir,
    ) -> impl Iterator<Item = (&'a Key, &'a Entry)> + use<'a> {
        let prefix = if dir.is_root() { String::new() } else { format!("{dir}/") };
        let start = Bound::Included(prefix.as_str());
        let range = self.entries.range::<str, _>((start, Bound::Unbounded));
        range.take_while(move |(key, _)| key.as_str().starts_with(&prefix))
    }

    /// The keys in `dir`: values and directories, sorted.
    pub(super) fn list(&self, dir: &Dir, recursive: bool) -> BTreeSet<Key> {
        let mut keys = BTreeSet::new();
        for (key, _) in self.below(dir) {
            let mut key = key.clone();
            while key.is_below(dir) {
                let parent = key.parent();
                let immediate = parent == *dir;
                if (recursive || immediate) && !keys.insert(key) {
                    break;
                }
                match parent.key() {
                    Some(parent) if !immediate => key = parent.clone(),
                    _ => break,
                }
            }
        }
        keys
    }

    pub(super) fn info(&self, key: Key) -> Option<KeyInfo> {
        if let Some(entry) = self.entries.get(&key) {
            let size = entry.value.len() as u64;
            let info = KeyInfo::file(key).with_size(size).with_modified(entry.modified);
            return Some(info.with_version(entry.version.clone()));
        }
        let modified = self.below(&Dir::from(&key)).map(|(_, entry)| entry.modified).max()?;
        Some(KeyInfo::directory(key).with_modified(modified))
    }
}
