//! That resealing does not grow with the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use allocation_counter::measure;
use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Capabilities, Condition, Dir, Error, Key, KeyInfo, MemoryStorage, Result, Storage, Version,
    Versioned, forward_locker,
};
use certstore_layers::seal::{Keyset, ResealOptions, ResealReport, reseal};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use super::support::{key_of, keyset, rotated, sealed};

const LENGTH: usize = 4 << 10;

/// A store of as many values as one likes: each is made when it is read, and counted and forgotten when it is written.
/// What it takes itself is nothing, so what is counted is what resealing takes.
struct Endless {
    count: u64,
    old: Keyset,
    rewritten: AtomicU64,
    rest: MemoryStorage,
}

forward_locker!(Endless => rest);

#[async_trait]
impl Storage for Endless {
    fn backend(&self) -> &'static str {
        "endless"
    }

    fn capabilities(&self) -> Capabilities {
        self.rest.capabilities()
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        // The mark.
        self.rest.store(key, value).await
    }

    async fn store_if(&self, _: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        assert_eq!(*condition, Condition::Version(Version::new("1")));
        assert_ne!(key_of(value), self.old.primary_id());
        self.rewritten.fetch_add(1, Ordering::Relaxed);
        Ok(Version::new("2"))
    }

    async fn store_all(&self, _: &[(&Key, &[u8])]) -> Result<()> {
        Err(Error::unsupported("not of this test"))
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.rest.load(key).await
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        let value = self.old.seal(&[7; LENGTH], key.as_str().as_bytes())?;
        Ok(Versioned { value, version: Version::new("1") })
    }

    async fn load_bundle(&self, _: &[&Key]) -> Result<Vec<Bytes>> {
        Err(Error::unsupported("not of this test"))
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.rest.delete(key).await
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        self.rest.exists(key).await
    }

    async fn list(&self, _: &Dir, _: bool) -> Result<Vec<Key>> {
        Err(Error::unsupported("not of this test"))
    }

    fn walk<'a>(&'a self, _: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        let info = |at| Ok(KeyInfo::file(Key::new(&format!("d{}/k{at}", at % 100))?));
        stream::iter((0..self.count).map(info)).boxed()
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        self.rest.stat(key).await
    }
}

/// Reseals that many values; the most memory that was taken at once, and the report.
fn peak(count: u64) -> (u64, ResealReport) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().build().expect("the test can go on");
    let old = keyset();
    let endless = Arc::new(Endless {
        count,
        old: old.clone(),
        rewritten: AtomicU64::new(0),
        rest: MemoryStorage::new(),
    });
    let storage = sealed(endless.clone(), &old);
    storage.set_keyset(rotated(&old).0);
    let mut report = None;
    let cost = measure(|| {
        report = Some(runtime.block_on(reseal(&storage, &ResealOptions::default(), |_| {})));
    });
    assert_eq!(endless.rewritten.load(Ordering::Relaxed), count);
    (cost.bytes_max, report.expect("the test can go on").expect("the test can go on"))
}

fn does_not_grow(count: u64) {
    let (small, _) = peak(200);
    let (large, report) = peak(count);
    assert_eq!((report.rewritten, report.bytes), (count, count * LENGTH as u64));
    // Eight values at a time, each as it was stored, opened and sealed anew.
    let values = 8 * 4 * LENGTH as u64;
    assert!(large < values + (64 << 10), "{large} bytes at once for {count} values");
    assert!(large < small + LENGTH as u64, "{small} bytes for 200 values, {large} for {count}");
}

#[test]
fn memory_does_not_grow_with_the_store() {
    does_not_grow(5_000);
}

#[test]
#[ignore = "a million values take minutes unoptimised; run it with --release"]
fn memory_does_not_grow_with_a_store_of_a_million_values() {
    does_not_grow(1_000_000);
}
