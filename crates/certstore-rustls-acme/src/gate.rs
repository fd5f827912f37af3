//! A memory storage that can be away, for tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Capabilities, Dir, Error, ErrorKind, FencingToken, Key, KeyInfo, Lock, LockInfo, LockName,
    Locker, MemoryStorage, Result, Storage, Version,
};
use tokio::sync::watch;

/// Answers nothing while it is away, and counts what it refused.
pub(crate) struct Gate {
    pub(crate) memory: MemoryStorage,
    away: AtomicBool,
    refused: watch::Sender<usize>,
}

impl Gate {
    pub(crate) fn new() -> Arc<Self> {
        let refused = watch::Sender::new(0);
        Arc::new(Self { memory: MemoryStorage::new(), away: AtomicBool::new(false), refused })
    }

    pub(crate) fn go_away(&self) {
        self.away.store(true, Ordering::SeqCst);
    }

    pub(crate) fn come_back(&self) {
        self.away.store(false, Ordering::SeqCst);
    }

    /// Waits until it has refused that many calls.
    pub(crate) async fn refused(&self, calls: usize) {
        self.refused.subscribe().wait_for(|refused| *refused >= calls).await.unwrap();
    }

    fn pass(&self) -> Result<()> {
        if self.away.load(Ordering::SeqCst) {
            self.refused.send_modify(|refused| *refused += 1);
            return Err(Error::new(ErrorKind::Unavailable, "away"));
        }
        Ok(())
    }
}

#[async_trait]
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
        self.memory.locks().await
    }

    async fn break_lock(&self, name: &LockName, token: FencingToken) -> Result<()> {
        self.memory.break_lock(name, token).await
    }
}

#[async_trait]
impl Storage for Gate {
    fn backend(&self) -> &'static str {
        "gate"
    }

    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        self.pass()?;
        self.memory.store(key, value).await
    }

    async fn store_fenced(&self, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        self.pass()?;
        self.memory.store_fenced(key, value, guard).await
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        self.pass()?;
        self.memory.store_all(items).await
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.pass()?;
        self.memory.load(key).await
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        self.pass()?;
        self.memory.load_bundle(keys).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.pass()?;
        self.memory.delete(key).await
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        self.pass()?;
        self.memory.exists(key).await
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.pass()?;
        self.memory.list(dir, recursive).await
    }

    fn walk<'a>(&'a self, dir: &Dir) -> futures_util::stream::BoxStream<'a, Result<KeyInfo>> {
        self.memory.walk(dir)
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        self.pass()?;
        self.memory.stat(key).await
    }
}
