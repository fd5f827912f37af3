//! What the local copy holds, in the order of use, within its bounds.

use std::time::Duration;

use bytes::Bytes;
use certstore_core::{Dir, Key, Version};
use lru::LruCache;

/// A moment of this host's clock that runs while the machine sleeps, and how much older the thing was then: a record of an
/// earlier run may be older than the clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Confirmed {
    pub(super) at: Duration,
    pub(super) older: Duration,
}

impl Confirmed {
    pub(super) fn age(self, now: Duration) -> Duration {
        now.saturating_sub(self.at).saturating_add(self.older)
    }
}

/// What is known of one value.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) version: Option<Version>,
    /// The store or load of a bundle that it came with.
    pub(super) set: Option<u128>,
    pub(super) confirmed: Confirmed,
    /// When the record in a storage says that it was confirmed.
    pub(super) recorded: Confirmed,
}

/// One value of the copy.
pub(super) struct Entry {
    /// `None`: it lies in a storage.
    pub(super) value: Option<Bytes>,
    /// `None`: left by an earlier run, and not read yet.
    pub(super) known: Option<Known>,
    /// Whether nothing is known that could have changed it since.
    pub(super) fresh: bool,
    pub(super) size: u64,
}

/// The entries. Never more than the bounds allow.
pub(super) struct Index {
    entries: LruCache<Key, Entry>,
    bytes: u64,
    max_entries: usize,
    max_bytes: u64,
}

impl Index {
    pub(super) fn new(max_entries: usize, max_bytes: u64) -> Self {
        Self { entries: LruCache::unbounded(), bytes: 0, max_entries, max_bytes }
    }

    /// Whether a value of this size is kept at all.
    pub(super) fn takes(&self, size: u64) -> bool {
        self.max_entries > 0 && size <= self.max_bytes
    }

    /// Adds or replaces an entry; gives the keys of those that had to go for it.
    pub(super) fn insert(&mut self, key: Key, entry: Entry) -> Vec<Key> {
        self.bytes += entry.size;
        if let Some((_, before)) = self.entries.push(key, entry) {
            self.bytes -= before.size;
        }
        let mut gone = Vec::new();
        while self.entries.len() > self.max_entries || self.bytes > self.max_bytes {
            let Some((key, entry)) = self.entries.pop_lru() else { break };
            self.bytes -= entry.size;
            gone.push(key);
        }
        gone
    }

    /// The entry of `key`, which becomes the one used last.
    pub(super) fn get(&mut self, key: &Key) -> Option<&mut Entry> {
        self.entries.get_mut(key)
    }

    /// The entry of `key`, whose turn to go stays as it is.
    pub(super) fn peek(&mut self, key: &Key) -> Option<&mut Entry> {
        self.entries.peek_mut(key)
    }

    pub(super) fn remove(&mut self, key: &Key) -> bool {
        let removed = self.entries.pop(key);
        self.bytes -= removed.as_ref().map_or(0, |entry| entry.size);
        removed.is_some()
    }

    /// The keys at and below `key`.
    pub(super) fn at_and_below(&self, key: &Key) -> Vec<Key> {
        let dir = Dir::from(key);
        let within = |other: &&Key| *other == key || other.is_below(&dir);
        self.entries.iter().map(|(key, _)| key).filter(within).cloned().collect()
    }

    /// Says of every entry that it may have changed.
    pub(super) fn doubt_all(&mut self) {
        for (_, entry) in self.entries.iter_mut() {
            entry.fresh = false;
        }
    }

    /// How many entries there are, and how many bytes they have.
    pub(super) fn usage(&self) -> (usize, u64) {
        (self.entries.len(), self.bytes)
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
