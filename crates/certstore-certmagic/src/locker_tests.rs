use std::sync::Arc;
use std::time::Duration;

use certmagic::error::{Error, StorageError};
use certmagic::storage::Locker as _;
use certstore_conformance::Gate;
use certstore_conformance::fault::{MAX_CUTS, cut_after};
use certstore_core::{Locker as _, MAX_LOCK_NAME};
use tokio_util::sync::CancellationToken;

use crate::CertstoreStorage;

const NAME: &str = "issue_cert_a.example";

fn go() -> CancellationToken {
    CancellationToken::new()
}

/// Two processes on one backend.
fn two() -> (Arc<Gate>, CertstoreStorage, CertstoreStorage) {
    let gate = Gate::new();
    let other = CertstoreStorage::new(Arc::new(gate.memory.handle()));
    (gate.clone(), CertstoreStorage::new(gate), other)
}

#[tokio::test(start_paused = true)]
async fn a_lock_excludes_others_and_goes_to_who_waits() {
    let (_, first, second) = two();
    let guard = first.lock(&go(), NAME).await.unwrap();
    assert!(first.try_lock(&go(), NAME).await.unwrap().is_none());
    assert!(second.try_lock(&go(), NAME).await.unwrap().is_none());
    assert!(second.try_lock(&go(), "another").await.unwrap().is_some());
    let waiting = tokio::spawn(async move { second.lock(&go(), NAME).await.unwrap().is_valid() });
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert!(!waiting.is_finished() && guard.is_valid());
    guard.release_and_wait().await.unwrap();
    assert!(waiting.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_its_token_or_its_time() {
    let (gate, first, second) = two();
    let guard = first.lock(&go(), NAME).await.unwrap();
    let cancel = go();
    let token = cancel.clone();
    let waiting = tokio::spawn(async move { (second.lock(&token, NAME).await.map(drop), second) });
    tokio::task::yield_now().await;
    cancel.cancel();
    let (cancelled, second) = waiting.await.unwrap();
    assert!(matches!(cancelled, Err(Error::Internal(_))));
    assert!(second.lock(&cancel, "free").await.is_err());
    assert!(second.try_lock(&cancel, "free").await.is_err());
    let limit = Duration::from_secs(5);
    let start = tokio::time::Instant::now();
    assert!(second.try_lock_with_timeout(NAME, limit).await.unwrap().is_none());
    assert!((limit..limit * 2).contains(&start.elapsed()));
    let late = second.lock_with_timeout(NAME, limit).await;
    assert!(matches!(late, Err(Error::Storage(StorageError::LockUnavailable(_)))));
    assert!(second.try_lock_with_timeout("free", Duration::ZERO).await.unwrap().is_some());
    guard.release_and_wait().await.unwrap();
    // Nobody who gave up left anything.
    let guard = second.try_lock_with_timeout(NAME, limit).await.unwrap();
    drop(guard.unwrap());
    gate.memory.lock(&NAME.parse().unwrap()).await.unwrap().unlock().await.unwrap();
}

#[tokio::test]
async fn a_lock_dropped_at_any_await_is_not_left() {
    let (gate, storage, _) = two();
    for polls in 1..MAX_CUTS {
        let done = cut_after(storage.lock(&go(), NAME), polls).await;
        let through = done.is_some();
        drop(done);
        gate.memory.lock(&NAME.parse().unwrap()).await.unwrap().unlock().await.unwrap();
        if through {
            return;
        }
    }
    panic!("the lock was never reached");
}

#[tokio::test]
async fn an_outage_is_an_error_and_no_lock() {
    let (gate, storage, _) = two();
    gate.go_away();
    for error in [
        storage.lock(&go(), NAME).await.unwrap_err(),
        storage.try_lock(&go(), NAME).await.unwrap_err(),
        storage.try_lock_with_timeout(NAME, Duration::from_secs(1)).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::Storage(StorageError::Io(_))), "{error}");
    }
    assert!(gate.memory.locks().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_name_is_theirs_whatever_its_length() {
    let (gate, storage, _) = two();
    let names =
        ["issue_cert_*.bücher.example".to_owned(), format!("issue_cert_{}", "d".repeat(1024))];
    for name in &names {
        let guard = storage.lock(&go(), name).await.unwrap();
        assert_eq!(guard.key(), name);
        assert!(storage.try_lock(&go(), name).await.unwrap().is_none());
        assert!(gate.memory.locks().await.unwrap()[0].name.len() <= MAX_LOCK_NAME);
        storage.unlock(name).await.unwrap();
    }
    for name in ["", "a\0b"] {
        let error = storage.lock(&go(), name).await.unwrap_err();
        assert!(matches!(error, Error::Storage(StorageError::InvalidKey(_))));
    }
}
