use std::sync::Arc;
use std::time::Duration;

use certmagic::error::{Error, StorageError};
use certmagic::storage::Locker as _;
use certmagic::{LockGuard, Storage as _};
use certstore_conformance::Gate;
use certstore_core::{LockName, Locker as _, Storage as _};
use tokio_util::sync::CancellationToken;

use crate::CertstoreStorage;

const NAME: &str = "issue_cert_a.example";

async fn lock(storage: &CertstoreStorage) -> LockGuard {
    storage.lock(&CancellationToken::new(), NAME).await.unwrap()
}

/// Waits until nobody holds the lock: what was dropped is released in the background.
async fn released(gate: &Gate) {
    gate.memory.lock(&LockName::new(NAME).unwrap()).await.unwrap().unlock().await.unwrap();
}

/// An operator breaks the lock; its holder learns of it when it renews.
async fn lose(gate: &Gate) {
    let token = gate.memory.locks().await.unwrap()[0].token.unwrap();
    gate.memory.break_lock(&LockName::new(NAME).unwrap(), token).await.unwrap();
    tokio::time::sleep(gate.memory.capabilities().lease.unwrap()).await;
}

fn is_stale<T: std::fmt::Debug>(result: &certmagic::Result<T>) -> bool {
    let Err(Error::NoRetry(inner)) = result else { return false };
    matches!(**inner, Error::Storage(StorageError::StaleLock(_)))
}

#[tokio::test]
async fn a_guard_that_is_dropped_gives_the_lock_back() {
    let gate = Gate::new();
    let storage = CertstoreStorage::new(gate.clone());
    let guard = lock(&storage).await;
    assert!(guard.is_valid() && guard.write_fence().is_none());
    assert_eq!(guard.key(), NAME);
    drop(guard);
    released(&gate).await;
}

#[tokio::test]
async fn a_guard_outlives_its_storage_and_a_storage_its_guards() {
    let gate = Gate::new();
    let storage = CertstoreStorage::new(gate.clone());
    let guard = lock(&storage).await;
    drop(storage);
    assert!(guard.is_valid());
    drop(guard);
    released(&gate).await;
}

#[tokio::test]
async fn an_awaited_release_is_over_when_it_says_so() {
    let gate = Gate::new();
    let storage = CertstoreStorage::new(gate.clone());
    lock(&storage).await.release_and_wait().await.unwrap();
    assert!(gate.memory.locks().await.unwrap().is_empty());
    lock(&storage).await.release_and_wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lost_lock_is_known_to_be_lost() {
    let gate = Gate::new();
    let storage = CertstoreStorage::new(gate.clone());
    let guard = lock(&storage).await;
    storage.renew_lock_lease(NAME, Duration::from_secs(60)).await.unwrap();
    lose(&gate).await;
    assert!(!guard.is_valid());
    assert!(is_stale(&storage.renew_lock_lease(NAME, Duration::from_secs(60)).await));
    let items = [("c/a.crt", b"crt".to_vec()), ("c/a.key", b"key".to_vec())];
    assert!(is_stale(&storage.store_tx_with_lock(&items, &guard).await));
    assert!(is_stale(&storage.store_tx_with_lock(&items[..1], &guard).await));
    assert!(is_stale(&storage.move_with_lock("c/a.crt", "c/b.crt", &guard).await));
    assert!(!storage.exists("c").await.unwrap());
    assert!(is_stale(&guard.release_and_wait().await));
}

#[tokio::test(start_paused = true)]
async fn a_lost_lock_frees_no_other_holders() {
    let gate = Gate::new();
    let storage = CertstoreStorage::new(gate.clone());
    let lost = lock(&storage).await;
    lose(&gate).await;
    let other = lock(&storage).await;
    drop(lost);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(other.is_valid());
    let second = storage.try_lock(&CancellationToken::new(), NAME).await.unwrap();
    assert!(second.is_none());
    // By name, it is the holder of now.
    storage.unlock(NAME).await.unwrap();
    assert!(!other.is_valid());
    released(&gate).await;
}

#[tokio::test]
async fn an_unlock_by_name_ends_the_guard_and_is_ok_without_one() {
    let gate = Gate::new();
    let storage = CertstoreStorage::new(gate.clone());
    storage.unlock(NAME).await.unwrap();
    let guard = lock(&storage).await;
    storage.unlock("another").await.unwrap();
    assert!(guard.is_valid());
    storage.unlock(NAME).await.unwrap();
    assert!(!guard.is_valid());
    assert!(gate.memory.locks().await.unwrap().is_empty());
    guard.release_and_wait().await.unwrap();
}

#[tokio::test]
async fn their_registry_gives_back_what_a_process_holds() {
    let gate = Gate::new();
    let storage = Arc::new(CertstoreStorage::new(gate.clone()));
    let guard = certmagic::acquire(storage, NAME).await.unwrap();
    certmagic::clean_up_own_locks().await;
    assert!(!guard.is_valid());
    assert!(gate.memory.locks().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_guard_dropped_on_another_thread_without_a_runtime_is_released() {
    let gate = Gate::new();
    let storage = CertstoreStorage::new(gate.clone());
    let guard = lock(&storage).await;
    std::thread::spawn(move || drop(guard)).join().unwrap();
    released(&gate).await;
}
