//! Bundles under a lock: a holder who was overtaken mixes nothing into what the newer one writes.
//!
//! What keeps a late writer out: a journal is written on the condition that it is still the one that was read, and never
//! over a newer holder's. It is claimed, empty, before the writer looks at what is there, so no older holder can begin in
//! between. Each value is a fenced store. And who finds an older holder's journal makes it its own and finishes it under
//! its own lock: what the older one has not written yet has a newer stamp before the next journal says what was there. Who
//! deletes a value takes it out of the journal, and leaves the rest to its writer.

use async_trait::async_trait;
use bytes::Bytes;

use super::format::{Author, Entry, Journal};
use super::{JournalStore, bundle_dir, check_place};
use crate::lease::Swap;
use crate::stamp::Stamp;
use crate::{Dir, Error, ErrorKind, Key, Lock, OsRandom, Random as _, Result, Version, Versioned};

/// How often a writer starts anew when others come between.
const ATTEMPTS: usize = 16;

/// A backend whose journals are written on conditions, and whose values are stored fenced.
#[async_trait]
pub trait FencedJournals: JournalStore {
    /// The value of `key` and its version, if there is one and `guard` may write over it.
    ///
    /// # Errors
    /// [`ErrorKind::Fenced`]: a newer holder has written it. [`ErrorKind::LockLost`]: the guard's check fails. Else of the
    /// backend.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    async fn load_under(&self, key: &Key, guard: &Lock) -> Result<Option<Versioned>>;

    /// The journal of `dir` with its version, if there is one.
    ///
    /// # Errors
    /// Of the backend.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    async fn versioned_journal(&self, dir: &Dir) -> Result<Option<Versioned>>;

    /// As [`write_journal`](JournalStore::write_journal), if the journal still has the version `over`, or is not there; no
    /// two journals are equal. A lost reply is no error where the backend can see that it was written.
    ///
    /// # Errors
    /// With a `guard`, [`ErrorKind::Fenced`] where a newer holder is known. Else of the backend.
    ///
    /// # Cancel safety
    /// Leaves the old journal or the new one.
    async fn swap_journal(
        &self,
        dir: &Dir,
        over: Option<&Version>,
        journal: &[u8],
        guard: Option<&Lock>,
    ) -> Result<Swap>;

    /// Removes the journal of `dir` if it still has this version; `false`: it has not.
    ///
    /// # Errors
    /// Of the backend.
    ///
    /// # Cancel safety
    /// The journal is there whole or gone.
    async fn retire_journal(&self, dir: &Dir, version: &Version) -> Result<bool>;
}

/// [`Storage::store_all_fenced`](crate::Storage::store_all_fenced) by a journal. One call at a time per directory under one
/// guard.
///
/// # Errors
/// As [`Storage::store_all_fenced`](crate::Storage::store_all_fenced).
///
/// # Cancel safety
/// Dropped at any await, [`load_bundle`](super::load_bundle) gives the old set or the new one.
pub async fn store_all_fenced<S: FencedJournals + ?Sized>(
    storage: &S,
    items: &[(&Key, &[u8])],
    guard: &Lock,
) -> Result<()> {
    let dir = bundle_dir(items.iter().map(|(key, _)| *key))?;
    let mut unclear = false;
    let journal = begin(storage, &dir, items, guard, &mut unclear).await;
    let journal = journal.map_err(|error| {
        let applied = unclear || error.may_have_applied();
        error.with_may_have_applied(applied)
    })?;
    // From here on the set is stored for all who load it as a bundle.
    let applied = |error: Error| error.with_may_have_applied(true);
    for (index, (key, value)) in items.iter().enumerate() {
        let Err(error) = storage.store_fenced(key, value, guard).await else { continue };
        // Refused at the first value, and nobody has finished it: the set was never begun. Else the journal stands.
        if index == 0
            && !error.is_retryable()
            && !error.may_have_applied()
            && storage.retire_journal(&dir, &journal).await.map_err(applied)?
        {
            return Err(error);
        }
        return Err(applied(error));
    }
    // One that is there no more was finished by a newer holder: all its values were stored either way.
    storage.retire_journal(&dir, &journal).await.map(drop).map_err(applied)
}

/// Takes `key` out of its directory's journal, before it is deleted. What else the journal brings stays its writer's, or
/// for the next one to finish.
///
/// # Errors
/// [`ErrorKind::Fenced`]: a newer holder of the lock has written the key, or stores a bundle with it.
/// [`ErrorKind::Conflict`]: others keep storing bundles in this directory. Else of the backend.
///
/// # Cancel safety
/// Leaves the old journal or the new one.
pub async fn forget<S: FencedJournals + ?Sized>(
    storage: &S,
    key: &Key,
    guard: Option<&Lock>,
) -> Result<()> {
    let dir = key.parent();
    for _ in 0..ATTEMPTS {
        let Some(found) = storage.versioned_journal(&dir).await? else { return Ok(()) };
        // A damaged one brings nothing back.
        let Some(mut journal) = Journal::decode_or_drop(&dir, &found.value) else { return Ok(()) };
        let count = journal.entries.len();
        journal.entries.retain(|entry| entry.key != *key);
        if journal.entries.len() == count {
            return Ok(());
        }
        if let Some(guard) = guard {
            check_author(&journal, guard)?;
            storage.load_under(key, guard).await?;
        }
        let author = journal.author.map(|author| author.stamp);
        let left = encode(author, journal.entries);
        match storage.swap_journal(&dir, Some(&found.version), &left, guard).await? {
            Swap::Done(_) => return Ok(()),
            Swap::Conflict => {}
        }
    }
    Err(crowded(&dir))
}

/// Writes the journal; its version. `unclear`: it may have been written, and another one come between.
async fn begin<S: FencedJournals + ?Sized>(
    storage: &S,
    dir: &Dir,
    items: &[(&Key, &[u8])],
    guard: &Lock,
    unclear: &mut bool,
) -> Result<Version> {
    let mut found = None;
    for _ in 0..ATTEMPTS {
        guard.check()?;
        // An empty one first: from then on no older holder can begin, and what is there can be looked at.
        let claimed = match found {
            None => swap(storage, dir, None, Vec::new(), guard).await?,
            Some(found) => take_over(storage, dir, found, guard).await?,
        };
        if let Some(claimed) = claimed {
            match announce(storage, dir, &claimed, items, guard).await {
                Ok(None) => *unclear = true,
                Ok(Some(version)) => return Ok(version),
                Err(error) => {
                    // Left, it does no harm.
                    drop(storage.retire_journal(dir, &claimed).await);
                    return Err(error);
                }
            }
        }
        found = storage.versioned_journal(dir).await?;
    }
    Err(crowded(dir))
}

/// Writes what was there and what is to come over the journal that was claimed. `None`: another one has come between.
async fn announce<S: FencedJournals + ?Sized>(
    storage: &S,
    dir: &Dir,
    claimed: &Version,
    items: &[(&Key, &[u8])],
    guard: &Lock,
) -> Result<Option<Version>> {
    let mut entries = Vec::with_capacity(items.len());
    for (key, value) in items {
        let before = storage.load_under(key, guard).await?.map(|found| found.version);
        check_place(storage, key, value, before.is_some()).await?;
        entries.push(Entry { key: (*key).clone(), before, value: Bytes::copy_from_slice(value) });
    }
    swap(storage, dir, Some(claimed), entries, guard).await
}

/// `None`: another journal has come between.
async fn swap<S: FencedJournals + ?Sized>(
    storage: &S,
    dir: &Dir,
    over: Option<&Version>,
    entries: Vec<Entry>,
    guard: &Lock,
) -> Result<Option<Version>> {
    let journal = encode(Some(Stamp::of(guard)), entries);
    Ok(match storage.swap_journal(dir, over, &journal, Some(guard)).await? {
        Swap::Done(version) => Some(version),
        Swap::Conflict => None,
    })
}

fn encode(author: Option<Stamp>, entries: Vec<Entry>) -> Vec<u8> {
    let author = author.map(|stamp| Author { stamp, nonce: OsRandom.next_u128() });
    Journal { author, entries }.encode()
}

/// Claims the journal of another writer, and finishes what it began under the lock of this one. The version of the journal
/// then; `None`: another one has come between.
async fn take_over<S: FencedJournals + ?Sized>(
    storage: &S,
    dir: &Dir,
    found: Versioned,
    guard: &Lock,
) -> Result<Option<Version>> {
    let entries = match Journal::decode_or_drop(dir, &found.value) {
        Some(journal) => {
            check_author(&journal, guard)?;
            journal.entries
        }
        None => Vec::new(),
    };
    // Its writer may still be alive, and must not take back the journal of a set that is being finished.
    let claimed = swap(storage, dir, Some(&found.version), entries.clone(), guard).await?;
    if claimed.is_some() {
        for entry in &entries {
            finish(storage, entry, guard).await?;
        }
    }
    Ok(claimed)
}

/// Writes what is still as it was before, also where it is to stay so: its writer may still be alive, and is fenced then.
async fn finish<S: FencedJournals + ?Sized>(
    storage: &S,
    entry: &Entry,
    guard: &Lock,
) -> Result<()> {
    let found = storage.load_under(&entry.key, guard).await?;
    if found.map(|found| found.version) != entry.before {
        return Ok(());
    }
    match storage.store_fenced(&entry.key, &entry.value, guard).await {
        // Written by somebody without this lock, or no place for a value any more.
        Err(error) if error.kind() == ErrorKind::Conflict => {
            tracing::warn!(key = %entry.key, %error, "a value of a bundle that was broken off is left as it is");
            Ok(())
        }
        stored => stored.map(drop),
    }
}

fn check_author(journal: &Journal, guard: &Lock) -> Result<()> {
    let author = journal.author.as_ref().map(|author| &author.stamp);
    if author.is_some_and(|author| author.refuses(&Stamp::of(guard))) {
        return Err(Error::new(
            ErrorKind::Fenced,
            "a newer holder of the lock stores a bundle here; stop",
        ));
    }
    Ok(())
}

fn crowded(dir: &Dir) -> Error {
    Error::new(
        ErrorKind::Conflict,
        "others keep storing bundles in this directory; let all hold one lock for it",
    )
    .with_operation("store bundle")
    .with_subject(dir.as_str())
}

#[cfg(test)]
#[path = "fenced_tests.rs"]
mod tests;
