use std::sync::Arc;
use std::time::Duration;

use certstore_core::{Condition, Key, Locker as _, MemoryStorage, Storage as _};

use super::{Counts, TraceStorage};
use crate::test_clock::TestClock;

fn key(text: &str) -> Key {
    Key::new(text).expect("a key")
}

#[tokio::test]
async fn a_wait_for_a_lock_is_counted_with_its_time() {
    let clock = TestClock::new();
    let storage = TraceStorage::with_clock(Arc::new(MemoryStorage::new()), clock.clone());
    let name = "job".parse().unwrap();
    let held = storage.lock(&name).await.unwrap();
    assert!(storage.try_lock(&name).await.unwrap().is_none());
    let waiting = storage.clone();
    let waiter = tokio::spawn(async move { waiting.lock(&"job".parse().unwrap()).await });
    while storage.counts().operations < 3 {
        tokio::task::yield_now().await;
    }
    clock.advance(Duration::from_secs(7));
    held.unlock().await.unwrap();
    waiter.await.unwrap().unwrap().unlock().await.unwrap();
    let counts = storage.counts();
    assert_eq!((counts.operations, counts.locks), (3, 2));
    assert_eq!(counts.lock_wait, Duration::from_secs(7));
}

#[tokio::test]
async fn answers_are_told_apart_from_failures() {
    let inside = MemoryStorage::new();
    let storage = TraceStorage::new(Arc::new(inside));
    storage.store(&key("a"), b"1").await.unwrap();
    storage.store_if(&key("a"), b"2", &Condition::Absent).await.unwrap_err();
    let both = storage.load_many(&[&key("a"), &key("b")]).await;
    assert!(both[0].is_ok() && both[1].is_err());
    storage.store(&key("a/b"), b"1").await.unwrap_err();
    let expected = Counts { operations: 4, refused: 2, ..Counts::default() };
    assert_eq!(storage.counts(), expected);
}
