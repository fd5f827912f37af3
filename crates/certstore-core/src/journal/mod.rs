//! Several values as one, on backends that write one value at a time.
//!
//! The new set is first written as one journal beside the values, then each value, then the journal is removed. The
//! journal names the version that each value had before, so a loader that meets one can tell a value that is still to be
//! written (the journal's stands for it) from one that somebody has changed since (what is stored stands). Unless the
//! journal settles every value that was asked for, a loader reads all twice and is content only when nothing, the
//! journal included, has changed in between.

mod fenced;
mod format;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Condition, Dir, Error, ErrorKind, Key, Lock, Result, Storage, Tree, Versioned};
pub use fenced::{FencedJournals, forget, store_all_fenced};
use format::{Entry, Journal};

/// How often a loader starts anew when writers keep coming between.
const ATTEMPTS: usize = 32;

/// A backend that keeps one journal a directory, in no list and under no key.
///
/// The journal holds private keys: it is as secret as the values, and has room for all values of a bundle. Deleting the
/// directory deletes it; before a value is deleted by itself, call [`before_delete`](Self::before_delete), or a left-over
/// journal could bring the value back.
#[async_trait]
pub trait JournalStore: Storage {
    /// The journal of `dir`, if there is one.
    ///
    /// # Errors
    /// Of the backend.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    async fn read_journal(&self, dir: &Dir) -> Result<Option<Bytes>>;

    /// Writes the journal of `dir`, atomically and as durably as a store.
    ///
    /// # Errors
    /// Of the backend.
    ///
    /// # Cancel safety
    /// Leaves the old journal or the new one.
    async fn write_journal(&self, dir: &Dir, journal: &[u8]) -> Result<()>;

    /// Removes the journal of `dir`; `Ok` when there is none.
    ///
    /// # Errors
    /// Of the backend.
    ///
    /// # Cancel safety
    /// The journal is there whole or gone.
    async fn remove_journal(&self, dir: &Dir) -> Result<()>;

    /// Before the value of `key` is deleted by itself: sees to it that no journal can bring it back. `guard`: the lock it is
    /// deleted under. A backend that is [`FencedJournals`] calls [`forget`] where it has a fence.
    ///
    /// # Errors
    /// As [`settle`] and [`forget`].
    ///
    /// # Cancel safety
    /// As [`settle`] and [`forget`].
    async fn before_delete(&self, key: &Key, guard: Option<&Lock>) -> Result<()> {
        let _ = guard;
        let dir = key.parent();
        if self.read_journal(&dir).await?.is_some() {
            settle(self, &dir).await?;
        }
        Ok(())
    }
}

/// Finishes what a dead writer began in `dir`, and removes its journal.
///
/// # Errors
/// As [`Storage::store`].
///
/// # Cancel safety
/// Dropped at any await, [`load_bundle`] gives what it would have given before.
pub async fn settle<S: JournalStore + ?Sized>(storage: &S, dir: &Dir) -> Result<()> {
    roll_forward(storage, dir, &[]).await?;
    storage.remove_journal(dir).await
}

/// [`Storage::store_all`] by a journal. One call at a time per directory, among all who share the storage.
///
/// # Errors
/// As [`Storage::store_all`].
///
/// # Cancel safety
/// Dropped at any await, [`load_bundle`] gives the old set or the new one.
pub async fn store_all<S: JournalStore + ?Sized>(
    storage: &S,
    items: &[(&Key, &[u8])],
) -> Result<()> {
    let dir = bundle_dir(items.iter().map(|(key, _)| *key))?;
    roll_forward(storage, &dir, items).await?;
    let mut entries = Vec::with_capacity(items.len());
    for (key, value) in items {
        let before = versioned(storage, key).await?.map(|found| found.version);
        check_place(storage, key, value, before.is_some()).await?;
        entries.push(Entry { key: (*key).clone(), before, value: Bytes::copy_from_slice(value) });
    }
    storage.write_journal(&dir, &Journal { author: None, entries }.encode()).await?;
    // From here on the set is stored for all who load it as a bundle.
    let applied = |error: Error| error.with_may_have_applied(true);
    for (index, (key, value)) in items.iter().enumerate() {
        if let Err(error) = storage.store(key, value).await {
            // Refused at the first value: the set was never begun. Later, or when in doubt, the journal stands.
            if index == 0 && !error.is_retryable() && !error.may_have_applied() {
                storage.remove_journal(&dir).await.map_err(applied)?;
                return Err(error);
            }
            return Err(applied(error));
        }
    }
    storage.remove_journal(&dir).await.map_err(applied)
}

/// What would be refused halfway is refused before anything is written.
async fn check_place<S: JournalStore + ?Sized>(
    storage: &S,
    key: &Key,
    value: &[u8],
    exists: bool,
) -> Result<()> {
    let refused = |kind, message: String| {
        Err(Error::new(kind, message)
            .with_operation("store")
            .with_key(key)
            .with_backend(storage.backend()))
    };
    match storage.capabilities().max_value {
        Some(limit) if value.len() as u64 > limit => refused(
            ErrorKind::TooLarge,
            format!("a value has at most {limit} bytes, this one has {}", value.len()),
        ),
        _ if !exists
            && storage.capabilities().tree == Tree::Exclusive
            && storage.exists(key).await? =>
        {
            refused(
                ErrorKind::Conflict,
                "there are keys below this one, so it cannot have a value".to_owned(),
            )
        }
        _ => Ok(()),
    }
}

/// [`Storage::load_bundle`] for what [`store_all`] wrote.
///
/// # Errors
/// As [`Storage::load_bundle`].
///
/// # Cancel safety
/// Cancel safe: it only reads.
pub async fn load_bundle<S: JournalStore + ?Sized>(
    storage: &S,
    keys: &[&Key],
) -> Result<Vec<Bytes>> {
    let dir = bundle_dir(keys.iter().copied())?;
    for _ in 0..ATTEMPTS {
        let journal = storage.read_journal(&dir).await?;
        let found = load_each(storage, keys).await?;
        let entries = match &journal {
            Some(journal) => Journal::decode(&dir, journal)?.entries,
            None => Vec::new(),
        };
        let (values, settled) = overlay(&entries, keys, &found);
        let unchanged = settled
            || (storage.read_journal(&dir).await? == journal
                && same_versions(&load_each(storage, keys).await?, &found));
        if unchanged {
            return values
                .into_iter()
                .zip(keys)
                .map(|(value, key)| value.ok_or_else(|| missing(key)))
                .collect();
        }
    }
    Err(Error::new(
        ErrorKind::Unavailable,
        "writers come so fast that no consistent set could be read; try again",
    )
    .with_operation("load bundle")
    .with_subject(dir.as_str())
    .with_backend(storage.backend()))
}

/// The directory that all keys of a bundle lie in.
///
/// # Errors
/// [`ErrorKind::InvalidKey`] for keys of different directories, a key twice, or none.
pub fn bundle_dir<'a>(keys: impl Iterator<Item = &'a Key>) -> Result<Dir> {
    let keys: Vec<&Key> = keys.collect();
    let invalid =
        |rule: &'static str| Error::new(ErrorKind::InvalidKey, rule).with_operation("bundle");
    let first = keys.first().ok_or_else(|| invalid("a bundle has at least one key"))?;
    let dir = first.parent();
    for (index, key) in keys.iter().enumerate() {
        if key.parent() != dir {
            return Err(invalid("the keys of a bundle lie in one directory").with_key(key));
        }
        if keys[..index].contains(key) {
            return Err(invalid("a bundle has each key once").with_key(key));
        }
    }
    Ok(dir)
}

/// Finishes what a dead writer began, for the keys that the new set does not cover.
async fn roll_forward<S: JournalStore + ?Sized>(
    storage: &S,
    dir: &Dir,
    items: &[(&Key, &[u8])],
) -> Result<()> {
    let Some(journal) = storage.read_journal(dir).await? else { return Ok(()) };
    let Some(journal) = Journal::decode_or_drop(dir, &journal) else { return Ok(()) };
    for entry in
        journal.entries.iter().filter(|entry| items.iter().all(|(key, _)| **key != entry.key))
    {
        let found = versioned(storage, &entry.key).await?;
        let written = found.as_ref().is_some_and(|found| found.value == entry.value);
        if !written && entry.is_open(found.as_ref()) {
            finish(storage, entry, found).await?;
        }
    }
    Ok(())
}

/// Writes over what was found only: another who settles may have finished meanwhile, and the next bundle begun.
async fn finish<S: JournalStore + ?Sized>(
    storage: &S,
    entry: &Entry,
    found: Option<Versioned>,
) -> Result<()> {
    let condition = found.map_or(Condition::Absent, |found| Condition::Version(found.version));
    match storage.store_if(&entry.key, &entry.value, &condition).await {
        Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            storage.store(&entry.key, &entry.value).await.map(drop)
        }
        done => done.map(drop),
    }
}

/// The bundle, and whether the journal alone settles it: then it needs no second look.
fn overlay(
    entries: &[Entry],
    keys: &[&Key],
    found: &[Option<Versioned>],
) -> (Vec<Option<Bytes>>, bool) {
    let mut settled = true;
    let one = |(key, found): (&&Key, &Option<Versioned>)| match entries
        .iter()
        .find(|entry| entry.key == **key)
    {
        Some(entry) if entry.is_open(found.as_ref()) => Some(entry.value.clone()),
        _ => {
            settled = false;
            found.as_ref().map(|found| found.value.clone())
        }
    };
    let values = keys.iter().zip(found).map(one).collect();
    (values, settled)
}

async fn versioned<S: JournalStore + ?Sized>(storage: &S, key: &Key) -> Result<Option<Versioned>> {
    match storage.load_versioned(key).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn load_each<S: JournalStore + ?Sized>(
    storage: &S,
    keys: &[&Key],
) -> Result<Vec<Option<Versioned>>> {
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        found.push(versioned(storage, key).await?);
    }
    Ok(found)
}

fn same_versions(one: &[Option<Versioned>], other: &[Option<Versioned>]) -> bool {
    let version = |found: &Option<Versioned>| found.as_ref().map(|found| found.version.clone());
    one.iter().map(version).eq(other.iter().map(version))
}

fn missing(key: &Key) -> Error {
    Error::not_found().with_operation("load bundle").with_key(key)
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
