//! A memory storage that declares less, and in which others write at the worst moment.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Capabilities, Cas, Condition, Dir, Error, Key, KeyInfo, MemoryStorage, Result, Storage,
    Version, Versioned, forward_locker,
};
use futures_util::stream::BoxStream;

/// What somebody else does just before a value is written.
type Meanwhile = Box<dyn Fn(&MemoryStorage, &Key) + Send + Sync>;

pub(crate) struct Wrapped {
    pub(crate) inner: MemoryStorage,
    cas: Cas,
    meanwhile: Mutex<Option<Meanwhile>>,
    /// Writes that arrived, refused ones included.
    pub(crate) writes: AtomicU64,
}

impl Wrapped {
    pub(crate) fn new(cas: Cas) -> Arc<Self> {
        let inner = MemoryStorage::new();
        let (meanwhile, writes) = (Mutex::new(None), AtomicU64::new(0));
        Arc::new(Self { inner, cas, meanwhile, writes })
    }

    /// Lets somebody else act once, before the next conditional write, or the next look before a plain one.
    pub(crate) fn meanwhile(&self, act: impl Fn(&MemoryStorage, &Key) + Send + Sync + 'static) {
        *self.meanwhile.lock().expect("the test can go on") = Some(Box::new(act));
    }

    fn act(&self, key: &Key) {
        let act = self.meanwhile.lock().expect("the test can go on").take();
        if let Some(act) = act {
            act(&self.inner, key);
        }
    }

    fn count(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }
}

forward_locker!(Wrapped => inner);

#[async_trait]
impl Storage for Wrapped {
    fn backend(&self) -> &'static str {
        "wrapped"
    }

    fn capabilities(&self) -> Capabilities {
        let mut declared = self.inner.capabilities();
        declared.cas = self.cas;
        declared
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        self.count();
        self.inner.store(key, value).await
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        if self.cas != Cas::Full {
            return Err(Error::unsupported("no conditions"));
        }
        self.act(key);
        self.count();
        self.inner.store_if(key, value, condition).await
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        self.inner.store_all(items).await
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.inner.load(key).await
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        let found = self.inner.load_versioned(key).await;
        // Others get their turn between any read and its write.
        tokio::task::yield_now().await;
        found
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        self.inner.load_bundle(keys).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.inner.delete(key).await
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        self.inner.exists(key).await
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.inner.list(dir, recursive).await
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        self.inner.walk(dir)
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        if self.cas != Cas::Full {
            self.act(key);
        }
        self.inner.stat(key).await
    }
}
