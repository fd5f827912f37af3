//! The local copy of what was read from the backing storage: bounded, each value with its age.

mod index;
mod record;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use certstore_core::{Clock, Dir, ErrorKind, Key, Result, Storage, Version};
use futures_util::StreamExt as _;
use zeroize::Zeroizing;

use index::{Confirmed, Entry, Index, Known};
use record::Record;

use super::options::CopyOptions;

/// The directory that a copy lies below in the storage that it is [kept in](super::CopyOptions::storage).
pub const COPIES: &str = "copies";

/// How much older than the truth the time of confirmation in a record may be, as a part of the stale limit: it is not
/// written anew at every load.
const RECORD_LAG: u32 = 20;

/// A value of the copy.
#[derive(Clone)]
pub(super) struct Copied {
    pub(super) value: Bytes,
    pub(super) version: Option<Version>,
    /// The store or load of a bundle that it came with, and nothing has changed since.
    pub(super) set: Option<u128>,
    /// How long ago the backing storage confirmed it.
    pub(super) age: Duration,
    /// Whether nothing is known that could have changed it since.
    pub(super) fresh: bool,
}

/// A value to keep.
pub(super) struct Kept {
    pub(super) value: Bytes,
    pub(super) version: Option<Version>,
    pub(super) set: Option<u128>,
    pub(super) fresh: bool,
}

/// The copy. It never fails: what cannot be kept is not kept.
pub(super) struct LocalCopy {
    index: Mutex<Index>,
    /// Where the values lie; `None`: in the index.
    storage: Option<Arc<dyn Storage>>,
    clock: Arc<dyn Clock>,
    record_lag: Duration,
}

/// Bytes that are wiped when the last who has them lets go.
struct Wiped(Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl LocalCopy {
    /// An empty copy, or what an earlier run left in the storage.
    ///
    /// # Errors
    /// Of that storage.
    pub(super) async fn open(options: &CopyOptions, clock: Arc<dyn Clock>) -> Result<Self> {
        let copy = Self {
            index: Mutex::new(Index::new(options.max_entries, options.max_bytes)),
            storage: options.storage.clone(),
            clock,
            record_lag: options.stale_limit / RECORD_LAG,
        };
        if let Some(storage) = &copy.storage {
            copy.find_records(storage).await?;
        }
        Ok(copy)
    }

    /// Enters what an earlier run left.
    async fn find_records(&self, storage: &Arc<dyn Storage>) -> Result<()> {
        let mut found = storage.walk(&Dir::new(COPIES)?);
        let mut gone = Vec::new();
        while let Some(info) = found.next().await {
            let info = match info {
                Ok(info) => info,
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                Err(error) => return Err(error),
            };
            let own = info.key.as_str().strip_prefix(COPIES).and_then(|key| key.strip_prefix('/'));
            if let (true, Some(Ok(key))) = (info.is_terminal, own.map(Key::new)) {
                let size = match info.size {
                    Some(size) => size,
                    // A sealed storage does not tell it: the bound counts all the same.
                    None => storage.load(&info.key).await.map_or(0, |record| record.len() as u64),
                };
                let entry = Entry { value: None, known: None, fresh: false, size };
                gone.extend(self.index().insert(key, entry));
            }
        }
        drop(found);
        self.erase(&gone).await;
        Ok(())
    }

    /// The copy of `key`, whatever its age.
    pub(super) async fn get(&self, key: &Key) -> Option<Copied> {
        let Some(storage) = &self.storage else {
            let mut index = self.index();
            let entry = index.get(key)?;
            let known = entry.known.as_ref()?;
            return Some(self.copied(entry.value.clone()?, known, entry.fresh));
        };
        self.index().get(key)?;
        let read = storage.load(&at(key)?).await.ok().and_then(Record::decode);
        let Some(record) = read else {
            self.remove(key).await;
            return None;
        };
        let mut index = self.index();
        let entry = index.peek(key)?;
        let known = entry.known.get_or_insert_with(|| self.known_from(&record));
        // Between the two, somebody else may have written the record and not the index yet.
        if known.version != record.version || known.set != record.set {
            return None;
        }
        Some(self.copied(record.value, known, entry.fresh))
    }

    fn copied(&self, value: Bytes, known: &Known, fresh: bool) -> Copied {
        let age = known.confirmed.age(self.clock.boottime());
        Copied { value, version: known.version.clone(), set: known.set, age, fresh }
    }

    /// What a record of an earlier run tells. A time in the future is of a clock that was wrong: then or now, so its age
    /// is not known, and it is too old for everything.
    fn known_from(&self, record: &Record) -> Known {
        let confirmed = UNIX_EPOCH + Duration::from_secs(record.confirmed);
        let older = self.clock.wall().duration_since(confirmed).unwrap_or(Duration::MAX);
        let confirmed = Confirmed { at: self.clock.boottime(), older };
        Known { version: record.version.clone(), set: record.set, confirmed, recorded: confirmed }
    }

    /// Keeps a value that the backing storage has just confirmed.
    ///
    /// # Cancel safety
    /// Leaves the old value, the new one or none.
    pub(super) async fn put(&self, key: &Key, mut kept: Kept) {
        if (kept.version.is_none() || kept.set.is_none())
            && let Some(before) = self.get(key).await
            && before.value == kept.value
        {
            // The same value still has the version that it had, and fits what it was stored with.
            kept.version = kept.version.or(before.version);
            kept.set = kept.set.or(before.set);
        }
        let size = (key.as_str().len() + kept.value.len()) as u64;
        if !self.index().takes(size) {
            return self.remove(key).await;
        }
        let now = Confirmed { at: self.clock.boottime(), older: Duration::ZERO };
        let Kept { value, version, set, fresh } = kept;
        let mut known = Known { version, set, confirmed: now, recorded: now };
        let value = match &self.storage {
            None => Some(wiped(&value)),
            Some(storage) => match self.write(storage, key, &value, &known).await {
                Some(recorded) => {
                    known.recorded = recorded;
                    None
                }
                None => return self.remove(key).await,
            },
        };
        let entry = Entry { value, known: Some(known), fresh, size };
        let gone = self.index().insert(key.clone(), entry);
        self.erase(&gone).await;
    }

    /// Writes the record, unless it stands there already and is young enough; gives the time of confirmation in it.
    async fn write(
        &self,
        storage: &Arc<dyn Storage>,
        key: &Key,
        value: &Bytes,
        known: &Known,
    ) -> Option<Confirmed> {
        let before = self.index().peek(key).and_then(|entry| entry.known.clone());
        if let Some(before) = before
            && before.version.is_some()
            && (&before.version, before.set) == (&known.version, known.set)
            && before.recorded.age(known.confirmed.at) < self.record_lag
        {
            return Some(before.recorded);
        }
        let record = Record {
            confirmed: seconds(self.clock.wall()),
            set: known.set,
            version: known.version.clone(),
            value: value.clone(),
        };
        let written = storage.store(&at(key)?, &record.encode()?).await;
        if let Err(error) = &written {
            tracing::debug!(%key, %error, "a local copy could not be written");
        }
        written.is_ok().then_some(known.confirmed)
    }

    /// The backing storage has said that `key` still has this version; `fresh`: and nothing has happened meanwhile.
    pub(super) async fn confirm(&self, key: &Key, copied: &Copied, fresh: bool) {
        let now = Confirmed { at: self.clock.boottime(), older: Duration::ZERO };
        let stale_record = {
            let mut index = self.index();
            let Some(entry) = index.peek(key) else { return };
            let Some(known) = &mut entry.known else { return };
            if known.version != copied.version {
                return;
            }
            known.confirmed = now;
            entry.fresh = fresh;
            self.storage.is_some() && known.recorded.age(now.at) >= self.record_lag
        };
        if stale_record {
            let Copied { value, version, set, .. } = copied.clone();
            self.put(key, Kept { value, version, set, fresh }).await;
        }
    }

    /// Says that `key` may have changed: it is not served as fresh any more.
    pub(super) fn doubt(&self, key: &Key) {
        if let Some(entry) = self.index().peek(key) {
            entry.fresh = false;
        }
    }

    /// Says that everything may have changed.
    pub(super) fn doubt_all(&self) {
        self.index().doubt_all();
    }

    /// Says that a subtree may have changed.
    pub(super) fn doubt_below(&self, key: &Key) {
        let mut index = self.index();
        for key in index.at_and_below(key) {
            if let Some(entry) = index.peek(&key) {
                entry.fresh = false;
            }
        }
    }

    /// Forgets `key`.
    pub(super) async fn remove(&self, key: &Key) {
        let removed = self.index().remove(key);
        if removed {
            self.erase(std::slice::from_ref(key)).await;
        }
    }

    /// Forgets `key` and all below it.
    pub(super) async fn remove_below(&self, key: &Key) {
        let gone = {
            let mut index = self.index();
            let gone = index.at_and_below(key);
            for key in &gone {
                index.remove(key);
            }
            gone
        };
        self.erase(&gone).await;
    }

    /// Removes the records of entries that have gone.
    async fn erase(&self, gone: &[Key]) {
        let Some(storage) = &self.storage else { return };
        for key in gone {
            if let Some(record) = at(key)
                && let Err(error) = storage.delete(&record).await
            {
                tracing::debug!(%key, %error, "a local copy could not be removed");
            }
        }
    }

    /// How many values are kept, and how many bytes they and their keys have.
    pub(super) fn usage(&self) -> (usize, u64) {
        self.index().usage()
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        // Nothing that can panic runs under it, so the index is whole.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key of a record; `None` where it would be too long.
fn at(key: &Key) -> Option<Key> {
    Key::new(&format!("{COPIES}/{key}")).ok()
}

fn wiped(value: &Bytes) -> Bytes {
    Bytes::from_owner(Wiped(Zeroizing::new(value.to_vec())))
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
#[path = "copy_tests.rs"]
mod tests;
