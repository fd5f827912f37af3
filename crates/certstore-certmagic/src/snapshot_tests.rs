use std::any::Any;

use certmagic::cert_store::{CertStore as _, KeyValueCertStore};
use certmagic::error::{Error, StorageError};
use certmagic::issuer::CertificateResource;
use certmagic::storage::{LockRelease, Locker as _};
use certmagic::{LockGuard, Storage as _};
use certstore_conformance::Gate;
use certstore_conformance::fault::{MAX_CUTS, cut_after};
use certstore_core::Key;
use tokio_util::sync::CancellationToken;

use super::are_one_directory;
use crate::CertstoreStorage;

const KEYS: [&str; 3] = ["c/a/a.crt", "c/a/a.key", "c/a/a.json"];

fn set(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    KEYS.iter().map(|key| (*key, text.as_bytes().to_vec())).collect()
}

async fn lock(storage: &CertstoreStorage) -> LockGuard {
    storage.lock(&CancellationToken::new(), "issue_cert_a").await.unwrap()
}

/// How many values are there, all of one store.
async fn whole(storage: &CertstoreStorage) -> usize {
    let values: Vec<_> =
        storage.load_many(&KEYS).await.expect("it answers").into_iter().flatten().collect();
    assert!(values.windows(2).all(|pair| pair[0] == pair[1]));
    values.len()
}

#[tokio::test]
async fn a_set_under_a_lock_is_written_whole() {
    let storage = CertstoreStorage::new(Gate::new());
    let guard = lock(&storage).await;
    assert_eq!(whole(&storage).await, 0);
    storage.store_tx_with_lock(&set("1"), &guard).await.unwrap();
    storage.store_tx_with_lock(&set("2"), &guard).await.unwrap();
    assert_eq!(whole(&storage).await, 3);
    assert_eq!(storage.load(KEYS[1]).await.unwrap(), b"2");
    storage.store_tx_with_lock(&[], &guard).await.unwrap();
}

#[tokio::test]
async fn a_set_that_is_cut_is_the_old_one_or_the_new_one() {
    for polls in 1..MAX_CUTS {
        let storage = CertstoreStorage::new(Gate::new());
        if cut_over(&storage, "1", polls).await {
            return;
        }
    }
    panic!("the store never ended");
}

/// There a set is several files, and a journal.
#[tokio::test]
async fn so_it_is_on_files_also_for_the_first_set() {
    for (old, end) in [("1", 3), ("", 0)] {
        for polls in 1..=MAX_CUTS {
            assert!(polls < MAX_CUTS, "the store never ended");
            let folder = tempfile::tempdir().unwrap();
            let files = certstore::open_url(&format!("file://{}", folder.path().display())).await;
            let storage = CertstoreStorage::new(files.unwrap());
            let through = cut_over(&storage, old, polls).await;
            assert!([end, 3].contains(&whole(&storage).await));
            if through {
                break;
            }
        }
    }
}

/// Stores a set over another one, or over none, until it is cut; whether it got through.
async fn cut_over(storage: &CertstoreStorage, old: &str, polls: usize) -> bool {
    let guard = lock(storage).await;
    if !old.is_empty() {
        storage.store_tx_with_lock(&set(old), &guard).await.expect("the old set is stored");
    }
    let done = cut_after(storage.store_tx_with_lock(&set("2"), &guard), polls).await;
    let there = whole(storage).await;
    assert!(there == 3 || (old.is_empty() && there == 0), "{there} of 3 values");
    // What was cut may still go on in the background.
    let exist = storage.exists_exact_many(&KEYS).await.expect("it answers");
    assert!(exist.windows(2).all(|pair| pair[0] == pair[1]), "{exist:?}");
    done.is_some()
}

#[tokio::test]
async fn a_set_whose_store_was_interrupted_is_read_as_its_journal_has_it() {
    let gate = Gate::new();
    let storage = CertstoreStorage::new(gate.clone());
    let guard = lock(&storage).await;
    storage.store_tx_with_lock(&set("1"), &guard).await.unwrap();
    gate.tear(&KEYS[0].parse().unwrap());
    assert!(storage.load(KEYS[0]).await.is_err());
    assert_eq!(whole(&storage).await, 3);
    assert_eq!(storage.exists_exact_many(&KEYS).await.unwrap(), [true; 3]);
}

#[tokio::test]
async fn sets_over_directories_go_back_after_a_failure() {
    let storage = CertstoreStorage::new(Gate::new());
    let guard = lock(&storage).await;
    storage.store("a/1", b"old").await.unwrap();
    storage.store("b/2/x", b"a directory").await.unwrap();
    let items = [("a/1", b"new".to_vec()), ("b/2", b"a value".to_vec())];
    let error = storage.store_tx_with_lock(&items, &guard).await.unwrap_err();
    assert!(matches!(error, Error::Storage(StorageError::Conflict(_))), "{error}");
    assert_eq!(storage.load("a/1").await.unwrap(), b"old");
    let items = [("a/1", b"new".to_vec()), ("b/3", b"new".to_vec())];
    storage.store_tx_with_lock(&items, &guard).await.unwrap();
    assert_eq!(storage.load("b/3").await.unwrap(), b"new");
}

#[tokio::test]
async fn a_set_that_is_not_whole_is_told_as_it_is() {
    let storage = CertstoreStorage::new(Gate::new());
    storage.store(KEYS[1], b"key").await.unwrap();
    let values = storage.load_many(&KEYS).await.unwrap();
    assert_eq!(values, [None, Some(b"key".to_vec()), None]);
    assert_eq!(storage.exists_exact_many(&KEYS).await.unwrap(), [false, true, false]);
}

/// A lock of another backend, with a proof that only that backend can check.
struct Foreign;

impl LockRelease for Foreign {
    fn release(&self) {}

    fn write_fence(&self) -> Option<&(dyn Any + Send + Sync)> {
        Some(self)
    }
}

#[tokio::test]
async fn a_fence_that_cannot_be_checked_is_refused() {
    let storage = CertstoreStorage::new(Gate::new());
    storage.store("c/a/a.key", b"key").await.unwrap();
    let guard = LockGuard::new("issue_cert_a", Box::new(Foreign));
    for refused in [
        storage.validate_write_guard(&guard),
        storage.store_tx_with_lock(&set("1"), &guard).await,
        storage.store_tx_with_lock(&set("1")[..1], &guard).await,
        storage.move_with_lock("c/a/a.key", "old/a.key", &guard).await,
    ] {
        let Err(Error::NoRetry(inner)) = refused else { panic!("{refused:?}") };
        assert!(matches!(*inner, Error::Storage(StorageError::UnsupportedFencing)));
    }
    assert_eq!(storage.list("", true).await.unwrap(), ["c/a/a.key"]);
}

#[tokio::test]
async fn certmagics_certificates_come_back_and_their_keys_are_archived() {
    let storage = std::sync::Arc::new(CertstoreStorage::new(Gate::new()));
    let certificates = KeyValueCertStore::new(storage.clone());
    let resource = CertificateResource {
        sans: vec!["a.example".into()],
        certificate_pem: b"chain".to_vec(),
        private_key_pem: b"key".to_vec(),
        issuer_data: None,
    };
    let guard = lock(&storage).await;
    assert!(certificates.load("ca", "a.example").await.unwrap().is_none());
    assert!(!certificates.has("ca", "a.example").await.unwrap());
    certificates.save_with_lock("ca", "a.example", &resource, &guard).await.unwrap();
    assert!(certificates.has("ca", "a.example").await.unwrap());
    let loaded = certificates.load("ca", "a.example").await.unwrap().unwrap();
    assert_eq!(loaded.private_key_pem, b"key");
    let archived = "compromised/1/ca/a.example.key";
    certificates.move_private_key_with_lock("ca", "a.example", archived, &guard).await.unwrap();
    assert_eq!(storage.load(archived).await.unwrap(), b"key");
    // Part of a certificate is an error, after which nothing is ordered.
    assert!(certificates.load("ca", "a.example").await.is_err());
    assert!(certificates.has("ca", "a.example").await.is_err());
    certificates.remove("ca", "a.example").await.unwrap();
    assert!(!certificates.has("ca", "a.example").await.unwrap());
}

#[test]
fn only_different_keys_of_one_directory_are_a_bundle() {
    let is = |keys: &[&str]| {
        let keys: Vec<Key> = keys.iter().map(|key| key.parse().unwrap()).collect();
        are_one_directory(&keys.iter().collect::<Vec<_>>())
    };
    assert!(is(&["a/1", "a/2"]) && is(&["1", "2"]));
    assert!(!is(&["a/1", "a/1"]) && !is(&["a/1", "b/1"]) && !is(&["a/1"]) && !is(&[]));
}
