//! A certstore as the storage of certmagic.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use certmagic::error::Result;
use certmagic::storage::{KeyInfo, KeyValue, LockGuard, Storage, store_tx};
use certstore_core::{Key, store_all_under};
use time::OffsetDateTime;

use crate::error::theirs;
use crate::guard::Held;
use crate::names::{dir, key};
use crate::{listing, moving, snapshot};

/// Any certstore backend as the storage of certmagic: for [`ConfigOptions::storage`](certmagic::ConfigOptions).
///
/// * **Outages.** certmagic orders when its storage says `NotFound`. Only a key that is not there says so here; a
///   backend that is down, slow or refuses is another error, after which nothing is ordered.
/// * **Certificates** are stored and read as one: key, chain and metadata by
///   [`store_all`](certstore_core::Storage::store_all) and [`load_bundle`](certstore_core::Storage::load_bundle), so
///   that no crash leaves a key beside another key's certificate.
/// * **Locks** are renewed until they are given back. A guard whose lock is lost says so in `is_valid`, before anybody
///   else can hold it; certmagic asks before and after each order, and stores nothing then.
/// * **Fences.** Certificates are stored fenced where the backend can
///   ([`store_all_fenced`](certstore_core::Storage::store_all_fenced)). certmagic's `write_fence` promises more, that the
///   ownership of the lock is compared in the same step as all writes, so guards carry none, as those of certmagic's own
///   file and Redis storages. On a backend without a fence a process that is paused between the last look at its lock and
///   its write may still store its certificate over a newer one: a whole and valid one. The guard of another backend that does carry a fence is
///   refused with `UnsupportedFencing`.
/// * **Keys** are certmagic's own, with other scripts as IDNA writes them (`bücher.example` is
///   `xn--bcher-kva.example`): `canonical_key` says how. A key that the contract does not allow is `InvalidKey`.
/// * **Lists** are as in certmagic's storages: directories only where the list is not recursive, with a slash at their
///   end; a missing directory is `NotFound`.
///
/// ```
/// use std::sync::Arc;
/// use certmagic::Storage;
/// use certstore_certmagic::CertstoreStorage;
/// use certstore_core::MemoryStorage;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certmagic::Error> {
/// let storage = CertstoreStorage::new(Arc::new(MemoryStorage::new()));
/// storage.store("certificates/ca/example.com/example.com.key", b"a private key").await?;
/// assert_eq!(storage.list("certificates", false).await?, ["certificates/ca/"]);
/// # Ok(()) }
/// ```
pub struct CertstoreStorage {
    storage: Arc<dyn certstore_core::Storage>,
    held: Held,
}

impl CertstoreStorage {
    /// certmagic's view of `storage`. Its locks must be taken inside a tokio runtime, where certmagic runs.
    #[must_use]
    pub fn new(storage: Arc<dyn certstore_core::Storage>) -> Self {
        Self { storage, held: Held::default() }
    }

    pub(crate) fn storage(&self) -> &dyn certstore_core::Storage {
        &*self.storage
    }

    pub(crate) fn held(&self) -> &Held {
        &self.held
    }
}

impl fmt::Debug for CertstoreStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertstoreStorage")
            .field("storage", &self.storage.backend())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Storage for CertstoreStorage {
    fn canonical_key<'a>(&self, name: &'a str) -> Result<Cow<'a, str>> {
        let key = key(name)?;
        Ok(if key.as_str() == name { name.into() } else { key.as_str().to_owned().into() })
    }

    /// Stores the group as one where its keys lie in one directory, as a certificate's do; else as certmagic does by
    /// default, one after the other and back again after a failure.
    ///
    /// # Errors
    /// `StaleLock`: the lock is lost. `UnsupportedFencing`: the guard is another backend's and carries a fence. Else of
    /// the storage.
    ///
    /// # Cancel safety
    /// Within one directory the old set stands or the new one.
    async fn store_tx_with_lock(&self, items: &[KeyValue<'_>], guard: &LockGuard) -> Result<()> {
        self.validate_write_guard(guard)?;
        let keys: Vec<Key> = items.iter().map(|(name, _)| key(name)).collect::<Result<_>>()?;
        if !snapshot::are_one_directory(&keys.iter().collect::<Vec<_>>()) {
            return store_tx(self, items).await;
        }
        let group: Vec<(&Key, &[u8])> =
            keys.iter().zip(items).map(|(key, (_, value))| (key, value.as_slice())).collect();
        let held = self.held.get(guard.name()).and_then(|acquisition| acquisition.lock());
        let stored = match held {
            Some(lock) => store_all_under(self.storage(), &group, &lock).await,
            None => self.storage.store_all(&group).await,
        };
        stored.map_err(|error| theirs(&error, items[0].0))
    }

    /// Moves one value to a key that has none. With a backend that cannot do that in one step, a value may stand at
    /// both keys after an interruption.
    ///
    /// # Errors
    /// `NotFound`: there is no value to move. `Conflict`: there is one at `destination`, or `source` was written over
    /// meanwhile.
    ///
    /// # Cancel safety
    /// The value stands at `source`, at `destination`, or at both.
    async fn move_key(&self, source: &str, destination: &str) -> Result<()> {
        let (from, to) = (key(source)?, key(destination)?);
        moving::exact(self.storage(), &from, &to).await.map_err(|error| theirs(&error, source))
    }

    async fn store(&self, name: &str, value: &[u8]) -> Result<()> {
        let stored = self.storage.store(&key(name)?, value).await;
        stored.map(drop).map_err(|error| theirs(&error, name))
    }

    async fn load(&self, name: &str) -> Result<Vec<u8>> {
        let value = self.storage.load(&key(name)?).await;
        value.map(Vec::from).map_err(|error| theirs(&error, name))
    }

    /// The values, those of one directory as they were stored together.
    async fn load_many(&self, names: &[&str]) -> Result<Vec<Option<Vec<u8>>>> {
        let keys: Vec<Key> = names.iter().map(|name| key(name)).collect::<Result<_>>()?;
        let values = snapshot::load(self.storage(), &keys).await;
        let values = values.map_err(|error| theirs(&error, names.first().unwrap_or(&"")))?;
        Ok(values.into_iter().map(|value| value.map(Vec::from)).collect())
    }

    async fn delete(&self, name: &str) -> Result<()> {
        self.storage.delete(&key(name)?).await.map_err(|error| theirs(&error, name))
    }

    async fn exists(&self, name: &str) -> Result<bool> {
        self.storage.exists(&key(name)?).await.map_err(|error| theirs(&error, name))
    }

    async fn exists_exact_many(&self, names: &[&str]) -> Result<Vec<bool>> {
        let keys: Vec<Key> = names.iter().map(|name| key(name)).collect::<Result<_>>()?;
        let exist = snapshot::exist(self.storage(), &keys).await;
        exist.map_err(|error| theirs(&error, names.first().unwrap_or(&"")))
    }

    async fn list(&self, path: &str, recursive: bool) -> Result<Vec<String>> {
        let listed = listing::list(self.storage(), &dir(path)?, recursive).await;
        listed.map_err(|error| theirs(&error, path))
    }

    /// What is known of a key. A backend that does not know the size of a value loads it; a time that is not known, as a
    /// directory's in most, is 1970.
    async fn stat(&self, name: &str) -> Result<KeyInfo> {
        let key = key(name)?;
        let found = self.storage.stat(&key).await.map_err(|error| theirs(&error, name))?;
        let size = match found.size {
            Some(size) => size,
            None if found.is_terminal => {
                let value = self.storage.load(&key).await.map_err(|error| theirs(&error, name))?;
                value.len() as u64
            }
            None => 0,
        };
        let modified = found.modified.map_or(OffsetDateTime::UNIX_EPOCH, OffsetDateTime::from);
        let is_terminal = found.is_terminal;
        Ok(KeyInfo { key: key.as_str().to_owned(), modified, size, is_terminal })
    }
}

#[cfg(test)]
#[path = "storage_tests.rs"]
mod tests;
