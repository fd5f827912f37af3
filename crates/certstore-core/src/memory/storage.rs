//! The storage of the memory backend.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::broadcast;

use super::config::MemoryConfig;
use super::register::MemoryRegister;
use super::tree::Tree;
use super::watch;
use crate::journal::bundle_dir;
use crate::lease::{LeaseConfig, LeaseLocker};
use crate::stamp::Stamp;
use crate::{
    Batch, Capabilities, Cas, Change, Clock, Condition, Dir, Durability, Error, ErrorKind, Fence,
    Key, KeyInfo, Listing, Lock, LockerId, OsRandom, Random, Result, Shared, Storage, SystemClock,
    Version, VersionKind, Versioned,
};

const BACKEND: &str = "memory";

/// How many changes a slow watcher may lag behind before it is told to list again.
const WATCH_BACKLOG: usize = 1024;

/// A storage in memory that meets the whole contract, its locks with real leases.
///
/// Clones are one client: they share the data and the lock queue. [`handle`](Self::handle) gives another client of the
/// same data, as another process would be.
#[derive(Clone)]
pub struct MemoryStorage {
    data: Arc<Data>,
    locker: LeaseLocker<MemoryRegister>,
}

struct Data {
    tree: Mutex<Tree>,
    changes: broadcast::Sender<Change>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    config: MemoryConfig,
    lease: LeaseConfig,
    round_trips: Arc<AtomicU64>,
}

impl MemoryStorage {
    /// An empty storage with the default settings.
    #[must_use]
    pub fn new() -> Self {
        let lease = LeaseConfig::default();
        Self::build(MemoryConfig::default(), lease, Arc::new(SystemClock), Arc::new(OsRandom))
    }

    /// An empty storage with these settings.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for a lease under 100 ms.
    pub fn with_config(config: MemoryConfig) -> Result<Self> {
        Self::with_parts(config, Arc::new(SystemClock), Arc::new(OsRandom))
    }

    /// An empty storage with a clock and a random source of the caller's.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for a lease under 100 ms.
    pub fn with_parts(
        config: MemoryConfig,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self> {
        let lease = LeaseConfig::new(config.lease).map_err(|error| error.with_backend(BACKEND))?;
        let lease = lease.with_handovers(config.handovers);
        Ok(Self::build(config, lease, clock, random))
    }

    fn build(
        config: MemoryConfig,
        lease: LeaseConfig,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let round_trips = Arc::new(AtomicU64::new(0));
        let register = MemoryRegister::new(round_trips.clone());
        let id = LockerId::new(format!("memory-{:032x}", random.next_u128()));
        let locker = LeaseLocker::with_parts(
            register,
            id,
            BACKEND,
            lease.clone(),
            clock.clone(),
            random.clone(),
        );
        let changes = broadcast::Sender::new(WATCH_BACKLOG);
        let tree = Mutex::default();
        let data = Data { tree, changes, clock, random, config, lease, round_trips };
        Self { data: Arc::new(data), locker }
    }

    /// Another client of the same data and locks.
    #[must_use]
    pub fn handle(&self) -> Self {
        let Data { lease, clock, random, .. } = &*self.data;
        let (register, id) = (self.locker.register().clone(), self.locker.id().clone());
        let locker = LeaseLocker::with_parts(
            register,
            id,
            BACKEND,
            lease.clone(),
            clock.clone(),
            random.clone(),
        );
        Self { data: self.data.clone(), locker }
    }

    /// How many requests its clients have made, each one step on the shared data.
    #[must_use]
    pub fn round_trips(&self) -> u64 {
        self.data.round_trips.load(Ordering::Relaxed)
    }

    /// One step on the data.
    fn step(&self) -> MutexGuard<'_, Tree> {
        self.data.round_trips.fetch_add(1, Ordering::Relaxed);
        // A panic under this mutex can only be the allocator's, before anything has changed.
        self.data.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, tree: &mut Tree, key: &Key, value: &[u8], stamp: Option<Stamp>) -> Version {
        let version = tree.put(key, Bytes::copy_from_slice(value), self.data.clock.wall(), stamp);
        self.changed(Change::Stored(key.clone()));
        version
    }

    /// All values in one step, under a lock or not.
    fn put_all(&self, items: &[(&Key, &[u8])], guard: Option<&Lock>) -> Result<()> {
        let dir = bundle_dir(items.iter().map(|(key, _)| *key))
            .map_err(|error| error.with_backend(BACKEND))?;
        let mut tree = self.step();
        for (key, value) in items {
            let check = || {
                self.check_size(value)?;
                guard.map(|guard| self.check_fence(&tree, key, guard)).transpose()?;
                tree.check_place(key)
            };
            check().map_err(on("store", key))?;
        }
        for (key, value) in items {
            self.put(&mut tree, key, value, guard.map(Stamp::of));
        }
        tracing::trace!(%dir, values = items.len(), "stored a bundle");
        Ok(())
    }

    fn changed(&self, change: Change) {
        // Without watchers there is nobody to tell.
        drop(self.data.changes.send(change));
    }

    fn check_size(&self, value: &[u8]) -> Result<()> {
        match self.data.config.max_value {
            Some(limit) if value.len() as u64 > limit => {
                let message =
                    format!("a value has at most {limit} bytes, this one has {}", value.len());
                Err(Error::new(ErrorKind::TooLarge, message))
            }
            _ => Ok(()),
        }
    }

    #[cfg(test)]
    pub(crate) fn check_stamp(&self, key: &Key, guard: &Lock) -> Result<()> {
        self.check_fence(&self.step(), key, guard).map(drop)
    }

    /// The stamp that a write under `guard` leaves, unless a newer holder has written or acquired.
    fn check_fence(&self, tree: &Tree, key: &Key, guard: &Lock) -> Result<Stamp> {
        guard.check()?;
        let stamp = Stamp::of(guard);
        if tree
            .get(key)
            .and_then(|entry| entry.stamp.as_ref())
            .is_some_and(|old| old.refuses(&stamp))
        {
            return Err(Error::new(
                ErrorKind::Fenced,
                "a newer holder of the lock has written this key; stop",
            ));
        }
        let own = guard.locker_id() == self.locker.id();
        let newest = own.then(|| self.locker.register().newest(guard.name().as_str())).flatten();
        if newest.is_some_and(|newest| newest > guard.token()) {
            return Err(Error::new(ErrorKind::Fenced, "a newer holder has the lock; stop"));
        }
        Ok(stamp)
    }
}

impl Default for MemoryStorage {
    fn default() -> Self {
        Self::new()
    }
}

/// Names the operation and the key in an error.
fn on<'a>(operation: &'static str, key: &'a Key) -> impl Fn(Error) -> Error + 'a {
    move |error| error.with_operation(operation).with_key(key).with_backend(BACKEND)
}

fn conflict(message: &'static str) -> Error {
    Error::new(ErrorKind::Conflict, message)
}

#[async_trait]
impl Storage for MemoryStorage {
    fn backend(&self) -> &'static str {
        BACKEND
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            cas: Cas::Full,
            version: VersionKind::Counter,
            fence: Fence::Strict,
            list: Listing::Immediate,
            durability: Durability::None,
            shared: Shared::Process,
            batch: Batch::Atomic,
            tree: crate::Tree::Exclusive,
            lease: Some(self.data.config.lease),
            watch: true,
            max_value: self.data.config.max_value,
        }
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        let store = || {
            self.check_size(value)?;
            let mut tree = self.step();
            tree.check_place(key)?;
            Ok(self.put(&mut tree, key, value, None))
        };
        store().map_err(on("store", key))
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        let store = || {
            self.check_size(value)?;
            let mut tree = self.step();
            let version = tree.get(key).map(|entry| &entry.version);
            match condition {
                Condition::Absent if version.is_some() => {
                    return Err(conflict("there is a value already"));
                }
                Condition::Version(expected) if version != Some(expected) => {
                    return Err(conflict("the value is not of that version any more"));
                }
                _ => {}
            }
            tree.check_place(key)?;
            Ok(self.put(&mut tree, key, value, None))
        };
        store().map_err(on("store", key))
    }

    async fn store_fenced(&self, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        let store = || {
            self.check_size(value)?;
            let mut tree = self.step();
            let stamp = self.check_fence(&tree, key, guard)?;
            tree.check_place(key)?;
            Ok(self.put(&mut tree, key, value, Some(stamp)))
        };
        store().map_err(on("store", key))
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        self.put_all(items, None)
    }

    async fn store_all_fenced(&self, items: &[(&Key, &[u8])], guard: &Lock) -> Result<()> {
        self.put_all(items, Some(guard))
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        let found = self.step().get(key).map(|entry| entry.value.clone());
        found.ok_or_else(|| on("load", key)(Error::not_found()))
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        let tree = self.step();
        let found = tree
            .get(key)
            .map(|entry| Versioned { value: entry.value.clone(), version: entry.version.clone() });
        found.ok_or_else(|| on("load", key)(Error::not_found()))
    }

    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        let tree = self.step();
        let load = |key: &&Key| {
            let found = tree.get(key).map(|entry| entry.value.clone());
            found.ok_or_else(|| on("load", key)(Error::not_found()))
        };
        keys.iter().map(load).collect()
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        bundle_dir(keys.iter().copied()).map_err(|error| error.with_backend(BACKEND))?;
        self.load_many(keys).await.into_iter().collect()
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        let mut tree = self.step();
        let below: Vec<Key> = tree.below(&key.into()).map(|(key, _)| key.clone()).collect();
        let mut deleted = tree.remove(key);
        for key in &below {
            deleted |= tree.remove(key);
        }
        if deleted {
            self.changed(Change::Deleted(key.clone()));
        }
        Ok(())
    }

    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        let mut tree = self.step();
        if tree.get(key).map(|entry| &entry.version) != Some(version) {
            return Err(on("delete", key)(conflict("the value is not of that version any more")));
        }
        tree.remove(key);
        self.changed(Change::Deleted(key.clone()));
        Ok(())
    }

    async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        let mut tree = self.step();
        self.check_fence(&tree, key, guard).map_err(on("delete", key))?;
        if tree.remove(key) {
            self.changed(Change::Deleted(key.clone()));
        }
        Ok(())
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        let tree = self.step();
        Ok(tree.get(key).is_some() || tree.has_below(&key.into()))
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        let tree = self.step();
        check_dir(&tree, dir)?;
        Ok(tree.list(dir, recursive).into_iter().collect())
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        let tree = self.step();
        if let Err(error) = check_dir(&tree, dir) {
            return stream::iter([Err(error)]).boxed();
        }
        let found: Vec<_> =
            tree.list(dir, true).into_iter().filter_map(|key| tree.info(key)).map(Ok).collect();
        stream::iter(found).boxed()
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        self.step().info(key.clone()).ok_or_else(|| on("stat", key)(Error::not_found()))
    }

    async fn watch(&self, dir: &Dir) -> Result<BoxStream<'static, Result<Change>>> {
        Ok(watch::changes(self.data.changes.subscribe(), dir.clone()))
    }
}

/// A directory that neither has keys below it nor is a value is missing; the root never is.
fn check_dir(tree: &Tree, dir: &Dir) -> Result<()> {
    match dir.key() {
        Some(key) if tree.get(key).is_none() && !tree.has_below(dir) => {
            Err(on("list", key)(Error::new(ErrorKind::NotFound, "there is no such directory")))
        }
        _ => Ok(()),
    }
}

crate::forward_locker!(MemoryStorage => locker);

impl fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.data.tree.lock().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("MemoryStorage").field("values", &values).finish_non_exhaustive()
    }
}
