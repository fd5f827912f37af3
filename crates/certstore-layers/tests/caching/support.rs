//! A backing storage with a switch.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Capabilities, Change, Condition, Dir, Error, ErrorKind, FencingToken, Key, KeyInfo, Lock,
    LockInfo, LockName, Locker, MemoryStorage, Result, Storage, Version, Versioned,
};
use certstore_layers::caching::{CachingOptions, CachingStore, CopyOptions};
use futures_util::stream::BoxStream;
use tokio::sync::Semaphore;
use tracing::Dispatch;
use tracing::field::{Field, Visit};

use crate::clock::TestClock;

pub(crate) fn key(text: &str) -> Key {
    Key::new(text).expect("a key")
}

/// Memory that can be down and slow, and counts what it is asked for.
pub(crate) struct Switched {
    pub(crate) memory: MemoryStorage,
    down: AtomicBool,
    pub(crate) loads: AtomicU64,
    pub(crate) stats: AtomicU64,
    /// Loads of values wait for a permit, when there is one to wait for.
    pub(crate) gate: Option<Semaphore>,
    /// Tells nobody of changes.
    pub(crate) silent: bool,
}

impl Switched {
    pub(crate) fn over(memory: MemoryStorage) -> Self {
        let (loads, stats) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { memory, down: AtomicBool::new(false), loads, stats, gate: None, silent: false }
    }

    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self::over(MemoryStorage::new()))
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// Loads of values, and questions for versions.
    pub(crate) fn asked(&self) -> (u64, u64) {
        (self.loads.load(Ordering::SeqCst), self.stats.load(Ordering::SeqCst))
    }

    fn up(&self, operation: &'static str, subject: &str) -> Result<()> {
        if self.down.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "switched off")
                .with_operation(operation)
                .with_subject(subject)
                .with_backend("memory"));
        }
        Ok(())
    }

    async fn loading(&self, key: &Key) -> Result<()> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        if let Some(gate) = &self.gate {
            gate.acquire().await.expect("open").forget();
        }
        self.up("load", key.as_str())
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Locker for Switched {
    async fn lock(&self, name: &LockName) -> Result<Lock> {
        self.up("lock", name.as_str())?;
        self.memory.lock(name).await
    }
    async fn try_lock(&self, name: &LockName) -> Result<Option<Lock>> {
        self.up("lock", name.as_str())?;
        self.memory.try_lock(name).await
    }
    async fn locks(&self) -> Result<Vec<LockInfo>> {
        self.memory.locks().await
    }
    async fn break_lock(&self, name: &LockName, token: FencingToken) -> Result<()> {
        self.memory.break_lock(name, token).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Storage for Switched {
    fn backend(&self) -> &'static str {
        "memory"
    }
    fn capabilities(&self) -> Capabilities {
        let mut own = self.memory.capabilities();
        own.watch &= !self.silent;
        own
    }
    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        self.up("store", key.as_str())?;
        self.memory.store(key, value).await
    }
    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        self.up("store", key.as_str())?;
        self.memory.store_if(key, value, condition).await
    }
    async fn store_fenced(&self, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        self.up("store", key.as_str())?;
        self.memory.store_fenced(key, value, guard).await
    }
    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        self.up("store", items[0].0.as_str())?;
        self.memory.store_all(items).await
    }
    async fn store_all_fenced(&self, items: &[(&Key, &[u8])], guard: &Lock) -> Result<()> {
        self.up("store", items[0].0.as_str())?;
        self.memory.store_all_fenced(items, guard).await
    }
    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.loading(key).await?;
        self.memory.load(key).await
    }
    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        self.loading(key).await?;
        self.memory.load_versioned(key).await
    }
    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        let mut results = Vec::new();
        for key in keys {
            results.push(self.load(key).await);
        }
        results
    }
    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        self.loading(keys[0]).await?;
        self.memory.load_bundle(keys).await
    }
    async fn delete(&self, key: &Key) -> Result<()> {
        self.up("delete", key.as_str())?;
        self.memory.delete(key).await
    }
    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        self.up("delete", key.as_str())?;
        self.memory.delete_if(key, version).await
    }
    async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        self.up("delete", key.as_str())?;
        self.memory.delete_fenced(key, guard).await
    }
    async fn exists(&self, key: &Key) -> Result<bool> {
        self.up("look for", key.as_str())?;
        self.memory.exists(key).await
    }
    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.up("list", dir.as_str())?;
        self.memory.list(dir, recursive).await
    }
    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        self.memory.walk(dir)
    }
    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        self.stats.fetch_add(1, Ordering::SeqCst);
        self.up("stat", key.as_str())?;
        self.memory.stat(key).await
    }
    async fn watch(&self, dir: &Dir) -> Result<BoxStream<'static, Result<Change>>> {
        self.memory.watch(dir).await
    }
    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        self.memory.foreign(dir).await
    }
}

/// A caching store over it, with a clock of its own.
pub(crate) async fn cached(
    backing: &Arc<Switched>,
    copy: CopyOptions,
) -> (CachingStore, Arc<TestClock>) {
    let clock = TestClock::new();
    let options =
        CachingOptions::new().copy(copy).parts(clock.clone(), Arc::new(certstore_core::OsRandom));
    let local = Arc::new(MemoryStorage::new());
    let store = CachingStore::open(local, backing.clone(), &options).await.expect("opens");
    (store, clock)
}

/// The warnings and notes of this thread, collected until the guard is dropped.
pub(crate) fn logs() -> (Arc<Mutex<Vec<String>>>, tracing::subscriber::DefaultGuard) {
    // While there is only one, tracing asks the thread that comes first to a callsite, which may have none.
    static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Collector::default()));
    LazyLock::force(&SECOND);
    let lines = Arc::new(Mutex::new(Vec::new()));
    let guard = tracing::subscriber::set_default(Collector(lines.clone()));
    (lines, guard)
}

#[derive(Default)]
struct Collector(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Collector {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::INFO && metadata.target().contains("caching")
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::Id {
        tracing::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::Id, _: &tracing::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().expect("whole").push(line.0);
    }
    fn enter(&self, _: &tracing::Id) {}
    fn exit(&self, _: &tracing::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!(" {}={value:?}", field.name()));
    }
}
