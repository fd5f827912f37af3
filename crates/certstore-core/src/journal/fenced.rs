//! Bundles under a lock: a holder who was overtaken mixes nothing into what the newer one writes.
//!
//! What keeps a late writer out: a journal is written on the condition that it is still the one that was read, and never
//! over a newer holder's. It is claimed, empty, before the writer looks at what is there, so no older holder can begin in
//! between. Each value is a fenced store. And who finds an older holder's journal makes it its own and finishes it under
//! its own lock: what the older one has not written yet has a newer stamp before the next journal says what was there.

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

    /// As [`write_journal`](JournalStore::write_journal), if the journal still has the version `over`, or is not there.
    /// Sent once.
    ///
    /// # Errors
    /// Of the backend.
    ///
    /// # Cancel safety
    /// Leaves the old journal or the new one.
    async fn swap_journal(
        &self,
        dir: &Dir,
        over: Option<&Version>,
        journal: &[u8],
        guard: &Lock,
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

/// [`Storage::store_all_fenced`](crate::Storage::store_all_fenced) by a journal.
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
    let journal = begin(storage, &dir, items, guard).await?;
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

/// Writes the journal; its version.
async fn begin<S: FencedJournals + ?Sized>(
    storage: &S,
    dir: &Dir,
    items: &[(&Key, &[u8])],
    guard: &Lock,
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
                Ok(None) => {}
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
    Err(Error::new(
        ErrorKind::Conflict,
        "others keep storing bundles in this directory; let all hold one lock for it",
    )
    .with_operation("store bundle")
    .with_subject(dir.as_str()))
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
    let author = Some(Author { stamp: Stamp::of(guard), nonce: OsRandom.next_u128() });
    let journal = Journal { author, entries }.encode();
    match storage.swap_journal(dir, over, &journal, guard).await {
        Ok(Swap::Done(version)) => Ok(Some(version)),
        // A request that was sent twice on its way meets itself.
        Ok(Swap::Conflict) => own(storage, dir, &journal).await,
        Err(error) if error.may_have_applied() => match own(storage, dir, &journal).await {
            Ok(Some(version)) => Ok(Some(version)),
            _ => Err(error),
        },
        Err(error) => Err(error),
    }
}

/// The version of the journal, if it is this one.
async fn own<S: FencedJournals + ?Sized>(
    storage: &S,
    dir: &Dir,
    journal: &[u8],
) -> Result<Option<Version>> {
    let found = storage.versioned_journal(dir).await?;
    Ok(found.filter(|found| found.value == journal).map(|found| found.version))
}

/// Claims the journal of another writer, and finishes what it began under the lock of this one. The version of the journal
/// then; `None`: another one has come between.
async fn take_over<S: FencedJournals + ?Sized>(
    storage: &S,
    dir: &Dir,
    found: Versioned,
    guard: &Lock,
) -> Result<Option<Version>> {
    let (author, entries) = match Journal::decode_or_drop(dir, &found.value) {
        Some(journal) => (journal.author.map(|author| author.stamp), journal.entries),
        None => (None, Vec::new()),
    };
    if author.as_ref().is_some_and(|author| author.refuses(&Stamp::of(guard))) {
        return Err(Error::new(
            ErrorKind::Fenced,
            "a newer holder of the lock stores a bundle here; stop",
        ));
    }
    // Its writer may still be alive, and must not take back the journal of a set that is being finished.
    let claimed = swap(storage, dir, Some(&found.version), entries.clone(), guard).await?;
    if claimed.is_some() {
        for entry in &entries {
            finish(storage, entry, guard).await?;
        }
    }
    Ok(claimed)
}

async fn finish<S: FencedJournals + ?Sized>(
    storage: &S,
    entry: &Entry,
    guard: &Lock,
) -> Result<()> {
    let found = storage.load_under(&entry.key, guard).await?;
    let written = found.as_ref().is_some_and(|found| found.value == entry.value);
    if !written && entry.is_open(found.as_ref()) {
        storage.store_fenced(&entry.key, &entry.value, guard).await?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "fenced_tests.rs"]
mod tests;
