//! The order of a walk: what directories there are among files that come sorted by their whole names.

use std::collections::{BTreeMap, VecDeque};

use certstore_core::{Dir, Key, KeyInfo};

/// Puts directories in their place among files that come sorted by their whole names.
pub(crate) struct Order {
    dir: Dir,
    /// What is not let go yet, sorted.
    held: BTreeMap<Key, KeyInfo>,
    last: Option<Key>,
    /// Directories about which the server was asked, with its answer; they begin the last key.
    asked: Vec<(Key, bool)>,
    /// Files that begin the last key, and so may turn out to be directories as well.
    files: Vec<Key>,
}

impl Order {
    pub(crate) fn new(dir: Dir) -> Self {
        Self { dir, held: BTreeMap::new(), last: None, asked: Vec::new(), files: Vec::new() }
    }

    pub(crate) fn push(&mut self, file: KeyInfo) {
        let key = file.key.clone();
        self.files.retain(|file| key.as_str().starts_with(file.as_str()));
        self.asked.retain(|(asked, _)| key.as_str().starts_with(asked.as_str()));
        let mut above = key.parent();
        while let Some(dir) = above.key() {
            if !dir.is_below(&self.dir) || self.is_placed(dir) {
                break;
            }
            self.held.insert(dir.clone(), KeyInfo::directory(dir.clone()));
            above = dir.parent();
        }
        self.files.push(key.clone());
        self.held.insert(key.clone(), file);
        self.last = Some(key);
    }

    /// How many entries are held back.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    /// Whether the key of a directory was given already: all names in it stand together, so the last key tells.
    fn is_placed(&self, dir: &Key) -> bool {
        self.last.as_ref().is_some_and(|last| last.is_below(&dir.into()))
            || self.files.contains(dir)
            || self.asked.contains(&(dir.clone(), true))
    }

    /// The first directory that may still come and belongs before what is held.
    pub(crate) fn candidate(&self) -> Option<Key> {
        let last = self.last.as_ref()?.as_str();
        let start = if self.dir.is_root() { 0 } else { self.dir.as_str().len() + 1 };
        let ends = last.bytes().enumerate().skip(start + 1);
        // Only what sorts before the slash can stand between a directory's name and the names in it.
        let mut ends = ends.filter(|(_, byte)| *byte < b'/').map(|(end, _)| &last[..end]);
        ends.find_map(|name| {
            let key = Key::new(name).ok()?;
            let known =
                self.files.contains(&key) || self.asked.iter().any(|(asked, _)| *asked == key);
            (!known).then_some(key)
        })
    }

    /// What the server says of a candidate.
    pub(crate) fn settle(&mut self, candidate: Key, exists: bool) {
        if exists {
            self.held.insert(candidate.clone(), KeyInfo::directory(candidate.clone()));
        }
        self.asked.push((candidate, exists));
    }

    /// Lets go what nothing can precede any more.
    pub(crate) fn release(&mut self, ready: &mut VecDeque<KeyInfo>) {
        let Some(candidate) = self.candidate() else { return self.finish(ready) };
        let rest = self.held.split_off(&candidate);
        ready.extend(std::mem::replace(&mut self.held, rest).into_values());
    }

    pub(crate) fn finish(&mut self, ready: &mut VecDeque<KeyInfo>) {
        ready.extend(std::mem::take(&mut self.held).into_values());
    }
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
