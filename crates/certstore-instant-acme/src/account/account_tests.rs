use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use certstore_conformance::Gate;
use certstore_core::{ErrorKind, Locker as _, MemoryStorage, Storage as _};

use super::AccountStore;
use crate::test_data::unreachable_ca;
use crate::{Ca, Error};

#[tokio::test]
async fn a_storage_that_is_away_gets_no_account() {
    let (gate, asked) = (Gate::new(), Arc::new(AtomicUsize::new(0)));
    gate.go_away();
    let accounts = AccountStore::new(gate, unreachable_ca(&asked)).unwrap();
    let error = accounts.load_or_register().await.err().unwrap();
    assert!(error.is_retryable(), "{error:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 0, "the CA was asked");
}

#[tokio::test]
async fn a_storage_that_takes_no_key_gets_no_account() {
    let (storage, asked) = (Arc::new(MemoryStorage::new()), Arc::new(AtomicUsize::new(0)));
    // A value where the directory would be.
    storage.store(&"acme/ca.example-dir/users".parse().unwrap(), b"").await.unwrap();
    let accounts = AccountStore::new(storage, unreachable_ca(&asked)).unwrap();
    let error = accounts.load_or_register().await.err().unwrap();
    assert!(matches!(&error, Error::Storage(error) if error.kind() == ErrorKind::Conflict));
    assert_eq!(asked.load(Ordering::SeqCst), 0, "the CA was asked");
}

#[tokio::test]
async fn the_key_of_an_account_is_stored_before_the_ca_is_asked_and_stays() {
    let (storage, asked) = (Arc::new(MemoryStorage::new()), Arc::new(AtomicUsize::new(0)));
    let accounts = AccountStore::new(storage.clone(), unreachable_ca(&asked)).unwrap();
    let accounts = accounts.with_email("ops@a.example").unwrap();
    assert!(accounts.load().await.unwrap().is_none());
    let error = accounts.load_or_register().await.err().unwrap();
    assert!(matches!(error, Error::Unanswered { .. }), "{error:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let key = storage.load(&accounts.keys.private_key).await.unwrap();
    assert!(!storage.exists(&accounts.keys.registration).await.unwrap());
    assert!(accounts.load_or_register().await.is_err());
    assert_eq!(storage.load(&accounts.keys.private_key).await.unwrap(), key);
    // What was dropped or failed leaves no lock.
    storage.lock(&accounts.keys.lock).await.unwrap().unlock().await.unwrap();
}

#[tokio::test]
async fn a_key_that_cannot_be_used_is_not_replaced() {
    let storage = Arc::new(MemoryStorage::new());
    let asked = Arc::new(AtomicUsize::new(0));
    let accounts = AccountStore::new(storage.clone(), unreachable_ca(&asked)).unwrap();
    storage.store(&accounts.keys.private_key, b"of another kind").await.unwrap();
    let error = accounts.load_or_register().await.err().unwrap();
    assert!(matches!(error, Error::Unusable { .. }), "{error:?}");
    assert_eq!(
        storage.load(&accounts.keys.private_key).await.unwrap().as_ref(),
        b"of another kind"
    );
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[test]
fn an_address_that_gives_no_key_is_refused() {
    let storage = Arc::new(MemoryStorage::new());
    let accounts = AccountStore::new(storage, Ca::new("https://ca.example/dir")).unwrap();
    assert!(matches!(accounts.with_email(".."), Err(Error::Storage(_))));
}
