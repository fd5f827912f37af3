//! A memory storage that can be away, for tests of what stands on a storage.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Capabilities, Cas, Change, Clock, Condition, Dir, Error, ErrorKind, Fence, FencingToken, Key,
    KeyInfo, Lock, LockInfo, LockName, Locker, MemoryConfig, MemoryStorage, OsRandom, Result,
    Sleep, Storage, Version, Versioned,
};
use futures_util::future::join_all;
use futures_util::stream::{BoxStream, StreamExt as _, once};
use tokio::sync::watch;
use tokio::time::Instant;

/// Answers nothing while it is away, and counts what it refused.
///
/// ```
/// use certstore_conformance::Gate;
/// use certstore_core::{ErrorKind, Storage};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> certstore_core::Result<()> {
/// let gate = Gate::new();
/// gate.go_away();
/// assert_eq!(gate.load(&"a".parse()?).await.unwrap_err().kind(), ErrorKind::Unavailable);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Gate {
    /// What lies behind it, which never refuses.
    pub memory: MemoryStorage,
    capabilities: Capabilities,
    away: AtomicBool,
    refused: watch::Sender<usize>,
    torn: Mutex<Option<Key>>,
}

impl Gate {
    /// An empty storage, whose leases run by tokio's clock.
    ///
    /// # Panics
    /// Never: the settings are valid.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Self::declaring(|capabilities| capabilities)
    }

    /// One that declares other capabilities, and keeps to fewer conditional and fenced writes. It still does what
    /// overlapping trees forbid or allow as memory does.
    ///
    /// # Panics
    /// Never: the settings are valid.
    #[must_use]
    pub fn declaring(change: impl FnOnce(Capabilities) -> Capabilities) -> Arc<Self> {
        let (clock, random) = (Arc::new(TokioClock::start()), Arc::new(OsRandom));
        let memory = MemoryStorage::with_parts(MemoryConfig::default(), clock, random)
            .expect("the default settings are valid");
        let capabilities = change(memory.capabilities());
        let (away, refused) = (AtomicBool::new(false), watch::Sender::new(0));
        Arc::new(Self { memory, capabilities, away, refused, torn: Mutex::default() })
    }

    /// From here on nothing is answered.
    pub fn go_away(&self) {
        self.away.store(true, Ordering::SeqCst);
    }

    /// From here on everything is answered.
    pub fn come_back(&self) {
        self.away.store(false, Ordering::SeqCst);
    }

    /// As if a `store_all` with a journal had been interrupted before it wrote this key: only `load_bundle` still finds
    /// the value.
    pub fn tear(&self, key: &Key) {
        *self.torn.lock().unwrap_or_else(PoisonError::into_inner) = Some(key.clone());
    }

    /// Waits until it has refused that many calls.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn refused(&self, calls: usize) {
        // It fails when the sender is gone, which this very storage owns.
        let _ = self.refused.subscribe().wait_for(|refused| *refused >= calls).await;
    }

    fn pass(&self) -> Result<()> {
        if self.away.load(Ordering::SeqCst) {
            self.refused.send_modify(|refused| *refused += 1);
            return Err(Error::new(ErrorKind::Unavailable, "away").with_backend("gate"));
        }
        Ok(())
    }

    fn find(&self, key: &Key) -> Result<()> {
        self.pass()?;
        let torn = self.torn.lock().unwrap_or_else(PoisonError::into_inner);
        if torn.as_ref() == Some(key) { Err(Error::not_found()) } else { Ok(()) }
    }

    fn offers(&self, offered: bool) -> Result<()> {
        self.pass()?;
        if offered { Ok(()) } else { Err(Error::unsupported("it is not declared")) }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Locker for Gate {
    async fn lock(&self, name: &LockName) -> Result<Lock> {
        self.pass()?;
        self.memory.lock(name).await
    }

    async fn try_lock(&self, name: &LockName) -> Result<Option<Lock>> {
        self.pass()?;
        self.memory.try_lock(name).await
    }

    async fn locks(&self) -> Result<Vec<LockInfo>> {
        self.pass()?;
        self.memory.locks().await
    }

    async fn break_lock(&self, name: &LockName, token: FencingToken) -> Result<()> {
        self.pass()?;
        self.memory.break_lock(name, token).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for Gate {
    fn backend(&self) -> &'static str {
        "gate"
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        self.pass()?;
        self.memory.store(key, value).await
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        self.offers(match condition {
            Condition::Absent => self.capabilities.cas != Cas::None,
            _ => self.capabilities.cas == Cas::Full,
        })?;
        self.memory.store_if(key, value, condition).await
    }

    async fn store_fenced(&self, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        self.offers(self.capabilities.fence != Fence::None)?;
        self.memory.store_fenced(key, value, guard).await
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        self.pass()?;
        self.memory.store_all(items).await
    }

    async fn store_all_fenced(&self, items: &[(&Key, &[u8])], guard: &Lock) -> Result<()> {
        self.offers(self.capabilities.fence != Fence::None)?;
        self.memory.store_all_fenced(items, guard).await
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.find(key)?;
        self.memory.load(key).await
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        self.find(key)?;
        self.memory.load_versioned(key).await
    }

    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        join_all(keys.iter().map(|key| self.load(key))).await
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        self.pass()?;
        self.memory.load_bundle(keys).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.pass()?;
        self.memory.delete(key).await
    }

    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        self.offers(self.capabilities.cas == Cas::Full)?;
        self.memory.delete_if(key, version).await
    }

    async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        self.offers(self.capabilities.fence != Fence::None)?;
        self.memory.delete_fenced(key, guard).await
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        match self.find(key) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            found => {
                found?;
                self.memory.exists(key).await
            }
        }
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.pass()?;
        self.memory.list(dir, recursive).await
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        match self.pass() {
            Ok(()) => self.memory.walk(dir),
            Err(error) => once(async { Err(error) }).boxed(),
        }
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        self.find(key)?;
        self.memory.stat(key).await
    }

    async fn watch(&self, dir: &Dir) -> Result<BoxStream<'static, Result<Change>>> {
        self.pass()?;
        self.memory.watch(dir).await
    }

    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        self.pass()?;
        self.memory.foreign(dir).await
    }
}

/// tokio's clock, for leases that run by a test's paused time.
#[derive(Debug, Clone, Copy)]
struct TokioClock {
    start: Instant,
    wall: SystemTime,
}

impl TokioClock {
    fn start() -> Self {
        Self { start: Instant::now(), wall: SystemTime::now() }
    }
}

impl Clock for TokioClock {
    fn boottime(&self) -> Duration {
        self.start.elapsed()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn wall(&self) -> SystemTime {
        self.wall + self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}
