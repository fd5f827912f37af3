//! Several values as one, on backends that write one value at a time.
//!
//! The new set is first written as one journal beside the values, then each value, then the journal is removed. The
//! journal names the version that each value had before, so a loader that meets one can tell a bundle that is being
//! written (or whose writer died) from one that somebody has changed since: in the first case the journal's values are
//! the bundle, in the second the journal is out of date and passed over. Without a journal, a loader reads every value
//! twice and is content only when nothing has changed in between.

use async_trait::async_trait;
use bytes::{Buf, Bytes};

use crate::{Dir, Error, ErrorKind, Key, Result, Storage, Version, Versioned};

const MAGIC: &[u8] = b"certstore-journal 1\n";

/// How often a loader starts anew when writers keep coming between.
const ATTEMPTS: usize = 32;

/// A backend that keeps one journal a directory, in no list and under no key.
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
        entries.push(Entry { key: (*key).clone(), before, value: Bytes::copy_from_slice(value) });
    }
    storage.write_journal(&dir, &encode(&entries)).await?;
    for (key, value) in items {
        storage.store(key, value).await?;
    }
    storage.remove_journal(&dir).await
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
        if let Some(values) =
            journal.as_ref().map(|journal| overlay(journal, keys, &found)).transpose()?.flatten()
        {
            return values
                .into_iter()
                .zip(keys)
                .map(|(value, key)| value.ok_or_else(|| missing(key)))
                .collect();
        }
        if storage.read_journal(&dir).await? != journal {
            continue;
        }
        if same_versions(&load_each(storage, keys).await?, &found) {
            let values = found.into_iter().map(|found| found.map(|found| found.value));
            return values
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

struct Entry {
    key: Key,
    before: Option<Version>,
    value: Bytes,
}

/// Finishes what a dead writer began, for the keys that the new set does not cover.
async fn roll_forward<S: JournalStore + ?Sized>(
    storage: &S,
    dir: &Dir,
    items: &[(&Key, &[u8])],
) -> Result<()> {
    let Some(journal) = storage.read_journal(dir).await? else { return Ok(()) };
    let entries = decode(dir, &journal)?;
    let mut current = Vec::with_capacity(entries.len());
    for entry in &entries {
        current.push(versioned(storage, &entry.key).await?);
    }
    if entries.iter().zip(&current).all(|(entry, found)| entry.is_open(found.as_ref())) {
        for entry in entries.iter().filter(|entry| items.iter().all(|(key, _)| **key != entry.key))
        {
            storage.store(&entry.key, &entry.value).await?;
        }
    }
    Ok(())
}

/// The bundle that an open journal stands for; `None` when the journal is out of date.
fn overlay(
    journal: &[u8],
    keys: &[&Key],
    found: &[Option<Versioned>],
) -> Result<Option<Vec<Option<Bytes>>>> {
    let dir = keys.first().map_or(Dir::ROOT, |key| key.parent());
    let entries = decode(&dir, journal)?;
    let mut values = Vec::with_capacity(keys.len());
    for (key, found) in keys.iter().zip(found) {
        match entries.iter().find(|entry| entry.key == **key) {
            None => values.push(found.as_ref().map(|found| found.value.clone())),
            Some(entry) if entry.is_open(found.as_ref()) => values.push(Some(entry.value.clone())),
            Some(_) => return Ok(None),
        }
    }
    Ok(Some(values))
}

impl Entry {
    /// Whether what is stored is still what was there before, or already what the journal brings.
    fn is_open(&self, found: Option<&Versioned>) -> bool {
        found.map(|found| &found.version) == self.before.as_ref()
            || found.is_some_and(|found| found.value == self.value)
    }
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

/// Magic, the number of entries as u32, then per entry: name, version before (a flag and a text), value; each with its length as u32, big endian.
fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut journal = MAGIC.to_vec();
    journal.extend_from_slice(&u32::try_from(entries.len()).unwrap_or(u32::MAX).to_be_bytes());
    let mut put = |bytes: &[u8]| {
        // A value over 4 GiB is far over every limit of this crate's purpose; a cut length would be found as damage.
        journal.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        journal.extend_from_slice(bytes);
    };
    for entry in entries {
        put(entry.key.name().as_bytes());
        match &entry.before {
            None => put(b""),
            Some(version) => put(format!("={}", version.as_str()).as_bytes()),
        }
        put(&entry.value);
    }
    journal
}

fn decode(dir: &Dir, journal: &[u8]) -> Result<Vec<Entry>> {
    let corrupt = || {
        Error::new(ErrorKind::Corrupt, "the journal of a bundle is damaged; store the bundle again")
            .with_operation("load bundle")
            .with_subject(dir.as_str())
    };
    let mut rest = Bytes::copy_from_slice(journal.strip_prefix(MAGIC).ok_or_else(corrupt)?);
    let count = rest.try_get_u32().map_err(|_| corrupt())?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let name = take(&mut rest).ok_or_else(corrupt)?;
        let before = take(&mut rest).ok_or_else(corrupt)?;
        let value = take(&mut rest).ok_or_else(corrupt)?;
        let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).map_err(|_| corrupt());
        let before = text(&before)?.strip_prefix('=').map(Version::new);
        entries.push(Entry { key: dir.join(&text(&name)?).map_err(|_| corrupt())?, before, value });
    }
    Ok(entries)
}

fn take(rest: &mut Bytes) -> Option<Bytes> {
    let length = usize::try_from(rest.try_get_u32().ok()?).ok()?;
    (length <= rest.remaining()).then(|| rest.split_to(length))
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
