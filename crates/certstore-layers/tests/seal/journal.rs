//! Bundles that were interrupted, on a backend that journals them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use certstore_conformance::fault::{MAX_CUTS, cut_after};
use certstore_core::journal::{self, JournalStore};
use certstore_core::{
    Batch, Capabilities, Condition, Dir, Key, KeyInfo, MemoryStorage, Result, Storage, Version,
    Versioned, forward_locker,
};
use certstore_layers::seal::{ResealOptions, SealedStorage, reseal};
use futures_util::stream::BoxStream;

use super::support::{key, keyset, rotated, sealed};

/// Memory that writes one value at a time, and can be cut at each.
#[derive(Default)]
struct Journalled {
    inner: MemoryStorage,
    journals: Mutex<HashMap<Dir, Bytes>>,
}

impl Journalled {
    fn journals(&self) -> HashMap<Dir, Bytes> {
        self.journals.lock().expect("no test panics under it").clone()
    }
}

forward_locker!(Journalled => inner);

#[async_trait]
impl JournalStore for Journalled {
    async fn read_journal(&self, dir: &Dir) -> Result<Option<Bytes>> {
        Ok(self.journals().get(dir).cloned())
    }

    async fn write_journal(&self, dir: &Dir, journal: &[u8]) -> Result<()> {
        tokio::task::yield_now().await;
        let journal = Bytes::copy_from_slice(journal);
        self.journals.lock().expect("no test panics under it").insert(dir.clone(), journal);
        Ok(())
    }

    async fn remove_journal(&self, dir: &Dir) -> Result<()> {
        tokio::task::yield_now().await;
        self.journals.lock().expect("no test panics under it").remove(dir);
        Ok(())
    }
}

#[async_trait]
impl Storage for Journalled {
    fn backend(&self) -> &'static str {
        "journalled"
    }

    fn capabilities(&self) -> Capabilities {
        let mut declared = self.inner.capabilities();
        declared.batch = Batch::Journalled;
        declared
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        tokio::task::yield_now().await;
        self.inner.store(key, value).await
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        self.inner.store_if(key, value, condition).await
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        journal::store_all(self, items).await
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.inner.load(key).await
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        self.inner.load_versioned(key).await
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        journal::load_bundle(self, keys).await
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
        self.inner.stat(key).await
    }
}

fn keys(dir: &str) -> [Key; 3] {
    ["crt", "json", "key"].map(|kind| key(&format!("{dir}/site.{kind}")))
}

async fn store(storage: &SealedStorage, keys: &[Key; 3], generation: &str) {
    let value = format!("generation {generation}, a private key");
    let items = keys.each_ref().map(|key| (key, value.as_bytes()));
    storage.store_all(&items).await.expect("memory does not fail");
}

#[tokio::test]
async fn a_bundle_that_was_cut_is_whole_after_resealing_and_without_the_old_key() {
    let (inner, old) = (Arc::new(Journalled::default()), keyset());
    let storage = sealed(inner.clone(), &old);
    let mut dirs = 0;
    for polls in 1..=MAX_CUTS {
        dirs = polls;
        let keys = keys(&format!("cut/{polls}"));
        store(&storage, &keys, "one").await;
        if cut_after(store(&storage, &keys, "two"), polls).await.is_some() {
            break;
        }
    }
    let journals = inner.journals();
    assert!(journals.len() >= 3, "{} bundles were cut within", journals.len());
    for journal in journals.values() {
        assert!(!journal.windows(11).any(|part| part == b"private key"), "it is not sealed");
    }
    let (mut new, id) = rotated(&old);
    storage.set_keyset(new.clone());
    let report = reseal(&storage, &ResealOptions::default(), |_| {}).await.unwrap();
    assert_eq!((report.damaged, report.marked), (0, true), "{report:?}");
    new.destroy(id).unwrap();
    storage.set_keyset(new);
    for polls in 1..=dirs {
        let keys = keys(&format!("cut/{polls}"));
        let bundle = storage.load_bundle(&keys.each_ref()).await.unwrap();
        assert!(bundle.iter().all(|value| *value == bundle[0]), "bundle {polls} is mixed");
        let begun = journals.contains_key(&keys[0].parent());
        assert!(!begun || bundle[0].starts_with(b"generation two"), "bundle {polls} went back");
        for (at, value) in keys.iter().zip(&bundle) {
            assert_eq!(storage.load(at).await.unwrap(), value, "{at}: not carried into the value");
        }
    }
}
