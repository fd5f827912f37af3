//! The storage: each operation runs in blocking code of its own, beside the tasks of the runtime.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Batch, Capabilities, Cas, Clock, Condition, Dir, Durability, Error, ErrorKind,
    Fence as FenceKind, Key, KeyInfo, Listing, Lock, OsRandom, Random, Result, Shared, Storage,
    SystemClock, Tree, Version, VersionKind, Versioned, journal,
};
use futures_util::stream::BoxStream;

use crate::config::{FsConfig, Io};
use crate::error::BACKEND;
use crate::lock::FsLocker;
use crate::pace::Pace;
use crate::root::Root;
use crate::stripe::Stripes;
use crate::temp::Sweeper;
use crate::version::{Stamp, is_supported};
use crate::write::{Demand, Fence, Writer};
use crate::{list, read, stream};

/// Files in a directory, laid out as CertMagic does. Cloning is cheap and shares everything.
///
/// What it promises beyond the contract of [`Storage`], and what it needs, stands in the
/// [crate's documentation](crate).
#[derive(Clone)]
pub struct FsStorage {
    inner: Arc<Inner>,
    run: Run,
}

pub(crate) struct Inner {
    pub(crate) root: Arc<Root>,
    pub(crate) bundles: Stripes,
    keys: Stripes,
    tokens: Stripes,
    trees: Stripes,
    sweeper: Sweeper,
    pace: Pace,
    random: Arc<dyn Random>,
    locker: FsLocker,
    records: bool,
}

/// Where the blocking code runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    /// Reads as configured, all else in the pool.
    Configured(Io),
    /// All in the calling thread, which is one of the pool.
    Here,
}

impl FsStorage {
    /// Opens the directory that `config` names, and creates it, for its owner alone, when it is missing.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: the root is no directory, or missing and not to be created.
    /// [`ErrorKind::PermissionDenied`]: this user may not open or create it.
    /// [`ErrorKind::Unavailable`], [`ErrorKind::Other`]: of the file system.
    ///
    /// ```
    /// use certstore_core::Storage;
    /// use certstore_fs::{FsConfig, FsStorage};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
    /// # let path = std::env::temp_dir().join(format!("certstore-doc-open-{}", std::process::id()));
    /// let storage = FsStorage::open(&FsConfig::new(&path))?;
    /// storage.store(&"a/b".parse()?, b"value").await?;
    /// assert_eq!(std::fs::read(path.join("a/b")).expect("a plain file"), b"value");
    /// # std::fs::remove_dir_all(path).expect("the directory");
    /// # Ok(()) }
    /// ```
    pub fn open(config: &FsConfig) -> Result<Self> {
        Self::with_parts(config, Arc::new(SystemClock), Arc::new(OsRandom))
    }

    /// As [`open`](Self::open), with a clock and a source of random numbers of the caller's.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn with_parts(
        config: &FsConfig,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self> {
        let root = Arc::new(Root::open(&config.root, config.create, clock.clone())?);
        let inner = Inner {
            bundles: Stripes::of_bundles(root.clone()),
            keys: Stripes::of_keys(root.clone()),
            tokens: Stripes::of_tokens(root.clone()),
            trees: Stripes::of_trees(root.clone()),
            sweeper: Sweeper::default(),
            pace: Pace::default(),
            locker: FsLocker::new(root.clone(), config, clock, random.clone()),
            records: is_supported(root.dir()),
            random,
            root,
        };
        Ok(Self { inner: Arc::new(inner), run: Run::Configured(config.io) })
    }

    /// The same storage for code that runs in a thread of the pool already.
    pub(crate) fn in_this_thread(&self) -> Self {
        Self { inner: self.inner.clone(), run: Run::Here }
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    /// Runs a read of one key.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        subject: &str,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if self.run == Run::Configured(Io::Pool) {
            return self.write(operation, subject, work).await;
        }
        if self.run != Run::Here {
            // A read that is done at once never waits: without this, a loop of reads would keep its thread from all others.
            tokio::task::coop::consume_budget().await;
        }
        work(&self.inner).map_err(|error| named(error, operation, subject))
    }

    /// Runs a write of one key: in this thread while the disk is quick and reads run here too.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        operation: &'static str,
        subject: &str,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if self.run == Run::Configured(Io::Inline) && self.inner.pace.is_quick() {
            tokio::task::coop::consume_budget().await;
            let done = self.inner.pace.time(|| work(&self.inner));
            return done.map_err(|error| named(error, operation, subject));
        }
        self.write(operation, subject, move |inner| inner.pace.time(|| work(inner))).await
    }

    /// Runs what writes, or takes long. Once begun it goes on to its end, also when the caller is gone.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        subject: &str,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let done = if self.run == Run::Here {
            work(&self.inner)
        } else {
            let inner = self.inner.clone();
            let task = tokio::task::spawn_blocking(move || work(&inner));
            task.await.unwrap_or_else(|stopped| Err(stopped_error(stopped)))
        };
        done.map_err(|error| named(error, operation, subject))
    }

    pub(crate) fn fence(&self, guard: &Lock) -> Result<Fence> {
        let own = self.inner.locker.id()? == *guard.locker_id();
        let (inner, name) = (self.inner.clone(), guard.name().clone());
        let newest_token = move || {
            if !own {
                return Ok(None);
            }
            Ok(inner.locker.newest_token(&name)?.map(|token| token.0))
        };
        Ok(Fence {
            stamp: Stamp::of(guard),
            own_lock: own.then(|| FsLocker::stripe_name(guard.name())),
            newest_token: Box::new(newest_token),
            validity: guard.validity().clone(),
        })
    }

    pub(crate) fn fence_of(
        &self,
        operation: &'static str,
        key: &Key,
        guard: &Lock,
    ) -> Result<Fence> {
        let fence = if self.inner.records {
            guard.check().and_then(|()| self.fence(guard))
        } else {
            Err(Error::unsupported(
                "the file system keeps no extended attributes, so there are no fenced writes; use one that does",
            ))
        };
        fence.map_err(|error| named(error, operation, key.as_str()))
    }
}

impl Inner {
    pub(crate) fn writer(&self) -> Writer<'_> {
        Writer {
            root: &self.root,
            keys: &self.keys,
            tokens: &self.tokens,
            trees: &self.trees,
            sweeper: &self.sweeper,
            random: &*self.random,
            records: self.records,
        }
    }
}

#[async_trait]
impl Storage for FsStorage {
    fn backend(&self) -> &'static str {
        BACKEND
    }

    fn capabilities(&self) -> Capabilities {
        let (version, fence) = if self.inner.records {
            (VersionKind::Counter, FenceKind::Strict)
        } else {
            (VersionKind::Content, FenceKind::None)
        };
        let mut capabilities = Capabilities::minimal();
        capabilities.cas = Cas::Full;
        capabilities.version = version;
        capabilities.fence = fence;
        capabilities.list = Listing::Immediate;
        capabilities.durability = Durability::Fsync;
        capabilities.shared = Shared::Host;
        capabilities.batch = Batch::Journalled;
        capabilities.tree = Tree::Exclusive;
        capabilities.lease = None;
        capabilities
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        let (at, value) = (key.clone(), value.to_vec());
        self.change("store", key.as_str(), move |inner| {
            inner.writer().store(&at, &value, &Demand::Nothing)
        })
        .await
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        let (at, value, condition) = (key.clone(), value.to_vec(), condition.clone());
        self.change("store", key.as_str(), move |inner| {
            inner.writer().store(&at, &value, &Demand::Condition(&condition))
        })
        .await
    }

    async fn store_fenced(&self, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        let fence = self.fence_of("store", key, guard)?;
        let (at, value) = (key.clone(), value.to_vec());
        self.change("store", key.as_str(), move |inner| {
            inner.writer().store(&at, &value, &Demand::Fence(&fence))
        })
        .await
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        self.store_bundle(items, None).await
    }

    async fn store_all_fenced(&self, items: &[(&Key, &[u8])], guard: &Lock) -> Result<()> {
        if let Some((key, _)) = items.first() {
            self.fence_of("store", key, guard)?;
        }
        self.store_bundle(items, Some(guard)).await
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        let at = key.clone();
        self.read("load", key.as_str(), move |inner| {
            read::load(&inner.root, at.as_str())?.map(Bytes::from).ok_or_else(Error::not_found)
        })
        .await
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        let at = key.clone();
        self.read("load", key.as_str(), move |inner| {
            let found =
                read::load_current(&inner.root, at.as_str())?.ok_or_else(Error::not_found)?;
            Ok(Versioned { value: found.value.into(), version: found.version })
        })
        .await
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        journal::load_bundle(self, keys).await.map_err(|error| error.with_backend(BACKEND))
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        let (at, here) = (key.clone(), self.in_this_thread());
        self.change("delete", key.as_str(), move |inner| {
            here.settled(&at, None, || inner.writer().delete(&at))
        })
        .await
    }

    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        let (at, here) = (key.clone(), self.in_this_thread());
        let condition = Condition::Version(version.clone());
        self.change("delete", key.as_str(), move |inner| {
            let demand = Demand::Condition(&condition);
            // Before anything is settled: a refused delete changes nothing.
            demand.check(&inner.root, &at)?;
            here.settled(&at, None, || inner.writer().delete_value(&at, &demand))
        })
        .await
    }

    async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        let fence = self.fence_of("delete", key, guard)?;
        let (at, here, guard) = (key.clone(), self.in_this_thread(), guard.shared());
        self.change("delete", key.as_str(), move |inner| {
            let demand = Demand::Fence(&fence);
            demand.check(&inner.root, &at)?;
            here.settled(&at, Some(&guard), || inner.writer().delete_value(&at, &demand))
        })
        .await
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        let at = key.clone();
        self.read("look for", key.as_str(), move |inner| read::exists(&inner.root, &at)).await
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        let at = dir.clone();
        self.write("list", dir.as_str(), move |inner| list::list(&inner.root, &at, recursive)).await
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        stream::walk(self, dir)
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        let at = key.clone();
        self.read("stat", key.as_str(), move |inner| read::stat(&inner.root, &at)).await
    }

    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        let at = dir.clone();
        self.write("list", dir.as_str(), move |inner| list::foreign(&inner.root, &at)).await
    }
}

certstore_core::forward_locker!(FsStorage => inner.locker);

impl fmt::Debug for FsStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FsStorage")
            .field("root", &self.inner.root.path())
            .field("records", &self.inner.records)
            .finish_non_exhaustive()
    }
}

/// An error with what was done, to what, and where.
pub(crate) fn named(error: Error, operation: &'static str, subject: &str) -> Error {
    error.with_operation(operation).with_subject(subject).with_backend(BACKEND)
}

fn stopped_error(stopped: tokio::task::JoinError) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the work was stopped with its runtime; look whether it took effect",
    )
    .with_may_have_applied(true)
    .with_source(stopped)
}
