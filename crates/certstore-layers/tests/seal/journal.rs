//! Bundles that were interrupted, on a backend that journals them.

use std::sync::Arc;

use certstore_conformance::fault::{MAX_CUTS, cut_after};
use certstore_core::{Key, Storage};
use certstore_fs::{FsConfig, FsStorage};
use certstore_layers::seal::{ResealOptions, SealedStorage, reseal};

use super::support::{key, keyset, rotated, sealed};

fn keys(dir: &str) -> [Key; 3] {
    ["crt", "json", "key"].map(|kind| key(&format!("{dir}/site.{kind}")))
}

async fn store(storage: &SealedStorage, keys: &[Key; 3], generation: &str) {
    let value = format!("generation {generation}, a private key");
    let items = keys.each_ref().map(|key| (key, value.as_bytes()));
    storage.store_all(&items).await.expect("the test can go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_was_cut_is_whole_after_resealing_and_without_the_old_key() {
    let folder = tempfile::tempdir().unwrap();
    let fs = Arc::new(FsStorage::open(&FsConfig::new(folder.path())).unwrap());
    let old = keyset();
    let storage = sealed(fs, &old);
    let (mut dirs, mut cut) = (0, 0);
    for polls in 1..=MAX_CUTS {
        let keys = keys(&format!("cut/{polls}"));
        store(&storage, &keys, "one").await;
        let ended = cut_after(store(&storage, &keys, "two"), polls).await;
        dirs += 1;
        if ended.is_some() {
            break;
        }
        cut += 1;
    }
    assert!(cut > 0, "no bundle was cut");
    no_journal_is_plain(folder.path());
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
        for (at, value) in keys.iter().zip(&bundle) {
            assert_eq!(storage.load(at).await.unwrap(), value, "{at}: carried into the value");
        }
    }
}

/// No file, a journal's included, has a word of what was stored.
fn no_journal_is_plain(folder: &std::path::Path) {
    for entry in std::fs::read_dir(folder).expect("the test can go on") {
        let path = entry.expect("the test can go on").path();
        if path.is_dir() {
            no_journal_is_plain(&path);
        } else {
            let bytes = std::fs::read(&path).expect("the test can go on");
            let plain = bytes.windows(11).any(|part| part == b"private key");
            assert!(!plain, "{} is not sealed", path.display());
        }
    }
}
