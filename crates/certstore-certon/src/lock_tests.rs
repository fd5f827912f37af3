use std::sync::Arc;
use std::time::Duration;

use certon::Storage as _;
use certon::error::{Error, Result, StorageError};
use certstore_conformance::Gate;
use certstore_conformance::fault::{MAX_CUTS, cut_after};
use certstore_core::{LockName, Locker as _, MAX_LOCK_NAME, Storage as _};

use super::CertstoreStorage;

const NAME: &str = "issue_cert_a.example";
const SHORT: Duration = Duration::from_secs(5);

/// Two processes on one backend.
fn two() -> (Arc<Gate>, CertstoreStorage, CertstoreStorage) {
    let gate = Gate::new();
    let other = CertstoreStorage::new(Arc::new(gate.memory.handle()));
    (gate.clone(), CertstoreStorage::new(gate), other)
}

fn lock_failed<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(Error::Storage(StorageError::LockFailed(text))) => text,
        other => panic!("no failed lock: {other:?}"),
    }
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

#[tokio::test(start_paused = true)]
async fn a_lock_excludes_others_and_goes_to_who_waits() {
    let (_, first, second) = two();
    first.lock(NAME).await.unwrap();
    assert!(!first.try_lock(NAME, SHORT).await.unwrap());
    assert!(!second.try_lock(NAME, Duration::ZERO).await.unwrap());
    assert!(second.try_lock("another", SHORT).await.unwrap());
    assert!(second.try_lock("a third", Duration::ZERO).await.unwrap());
    let waiting = tokio::spawn(async move { second.lock(NAME).await });
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert!(!waiting.is_finished());
    first.unlock(NAME).await.unwrap();
    waiting.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_the_limit() {
    let (gate, first, second) = two();
    let second = second.with_lock_limit(SHORT);
    first.lock(NAME).await.unwrap();
    let start = tokio::time::Instant::now();
    let text = lock_failed(second.lock(NAME).await);
    assert!(text.contains(NAME) && text.contains("5s"), "{text}");
    assert!((SHORT..SHORT * 2).contains(&start.elapsed()));
    first.unlock(NAME).await.unwrap();
    released(&gate).await;
    second.lock(NAME).await.unwrap();
}

#[tokio::test]
async fn an_unlock_of_what_is_not_held_is_an_error_and_frees_nothing() {
    let (gate, first, second) = two();
    assert!(lock_failed(first.unlock(NAME).await).contains("no lock of this name is held"));
    first.lock(NAME).await.unwrap();
    lock_failed(second.unlock(NAME).await);
    lock_failed(first.unlock("another").await);
    assert_eq!(gate.memory.locks().await.unwrap().len(), 1);
    first.unlock(NAME).await.unwrap();
    assert!(gate.memory.locks().await.unwrap().is_empty());
    lock_failed(first.unlock(NAME).await);
}

#[tokio::test(start_paused = true)]
async fn a_lost_lock_is_an_error_and_frees_no_other_holders() {
    let (gate, first, second) = two();
    first.lock(NAME).await.unwrap();
    lose(&gate).await;
    second.lock(NAME).await.unwrap();
    lock_failed(first.unlock(NAME).await);
    assert!(!first.try_lock(NAME, SHORT).await.unwrap());
    second.unlock(NAME).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lost_lock_taken_again_here_is_freed_by_the_later_of_its_two_holders() {
    let (gate, first, second) = two();
    first.lock(NAME).await.unwrap();
    lose(&gate).await;
    first.lock(NAME).await.unwrap();
    lock_failed(first.unlock(NAME).await);
    assert!(!second.try_lock(NAME, SHORT).await.unwrap());
    first.unlock(NAME).await.unwrap();
    assert!(second.try_lock(NAME, SHORT).await.unwrap());
}

#[tokio::test]
async fn a_storage_that_is_dropped_leaves_no_lock() {
    let (gate, first, _) = two();
    first.lock(NAME).await.unwrap();
    drop(first);
    released(&gate).await;
}

#[tokio::test]
async fn a_lock_dropped_at_any_await_is_not_left() {
    for polls in 1..MAX_CUTS {
        let (gate, storage, _) = two();
        let through = cut_after(storage.lock(NAME), polls).await.is_some();
        if through {
            storage.unlock(NAME).await.unwrap();
        } else {
            lock_failed(storage.unlock(NAME).await);
        }
        released(&gate).await;
        if through {
            return;
        }
    }
    panic!("the lock was never reached");
}

#[tokio::test]
async fn an_unlock_that_is_cut_ends_in_the_background() {
    for polls in 1..MAX_CUTS {
        let (gate, storage, _) = two();
        storage.lock(NAME).await.unwrap();
        let through = cut_after(storage.unlock(NAME), polls).await.is_some();
        released(&gate).await;
        if through {
            return;
        }
    }
    panic!("the unlock never ended");
}

#[tokio::test]
async fn certons_own_guards_give_back_what_they_hold() {
    let (gate, storage, _) = two();
    let storage: Arc<dyn certon::Storage> = Arc::new(storage);
    certon::acquire(storage.clone(), NAME).await.unwrap().release().await.unwrap();
    drop(certon::try_acquire(storage.clone(), NAME, SHORT).await.unwrap().unwrap());
    released(&gate).await;
    let held = certon::acquire(storage.clone(), NAME).await.unwrap();
    assert!(certon::try_acquire(storage, NAME, Duration::from_millis(1)).await.unwrap().is_none());
    drop(held);
    released(&gate).await;
}

#[tokio::test]
async fn an_outage_is_an_error_and_no_lock() {
    let (gate, storage, _) = two();
    gate.go_away();
    assert!(lock_failed(storage.lock(NAME).await).contains("away"));
    lock_failed(storage.try_lock(NAME, SHORT).await);
    assert!(gate.memory.locks().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_name_is_theirs_whatever_its_length() {
    let (gate, storage, _) = two();
    let long = format!("issue_cert_{}", "d".repeat(1024));
    for name in ["issue_cert_*.bücher.example", "_certon-ca-v2/acme_account_1", &long] {
        storage.lock(name).await.unwrap();
        assert!(gate.memory.locks().await.unwrap()[0].name.len() <= MAX_LOCK_NAME);
        storage.unlock(name).await.unwrap();
    }
    lock_failed(storage.lock("").await);
}
