use std::pin::pin;

use certstore_conformance::Gate;
use certstore_core::{ErrorKind, Fence};
use futures_util::poll;

use super::*;

#[tokio::test]
async fn all_that_were_obtained_are_given_back_and_no_others() {
    let gate = Gate::new();
    let (storage, other) = (ObtainedLocks::new(gate.clone()), ObtainedLocks::new(gate.clone()));
    let name = |name: &str| name.parse::<LockName>().unwrap();
    let first = storage.lock(&name("first")).await.unwrap();
    let second = storage.try_lock(&name("second")).await.unwrap().expect("it is free");
    let given = storage.lock(&name("given")).await.unwrap();
    let dropped = storage.lock(&name("dropped")).await.unwrap();
    let others = other.lock(&name("others")).await.unwrap();
    assert!(other.try_lock(&name("first")).await.unwrap().is_none());
    given.unlock().await.unwrap();
    drop(dropped);
    let lost = first.lost();
    storage.unlock_all_obtained().await;
    lost.await;
    for guard in [&first, &second] {
        assert_eq!(guard.check().unwrap_err().kind(), ErrorKind::LockLost);
    }
    let held = storage.locks().await.unwrap();
    assert_eq!(held.iter().map(|lock| lock.name.as_str()).collect::<Vec<_>>(), ["others"]);
    others.check().unwrap();
    // Who comes next has it, and who had it before takes nothing from them.
    let next = other.lock(&name("first")).await.unwrap();
    drop(first);
    second.unlock().await.unwrap();
    next.check().unwrap();
    storage.unlock_all_obtained().await;
    next.check().unwrap();
    assert_eq!(storage.locks().await.unwrap().len(), 2);
}

#[tokio::test]
async fn fenced_writes_go_by_the_guards_that_it_gives() {
    let storage = ObtainedLocks::new(Gate::new());
    assert_ne!(storage.capabilities().fence, Fence::None);
    let (key, name) = ("a/b".parse().unwrap(), "a".parse().unwrap());
    let guard = storage.lock(&name).await.unwrap();
    storage.store_fenced(&key, b"x", &guard).await.unwrap();
    guard.unlock().await.unwrap();
    assert_eq!(&storage.load(&key).await.unwrap()[..], b"x");
}

#[tokio::test]
async fn one_that_is_being_given_back_is_waited_for() {
    let storage = ObtainedLocks::new(Gate::new());
    let _guard = storage.lock(&"dropped".parse().unwrap()).await.unwrap();
    let mut release = Box::new(Kept { held: Arc::clone(&storage.held), number: 1 }).release();
    assert!(poll!(&mut release).is_pending(), "it has begun");
    let mut all = pin!(storage.unlock_all_obtained());
    assert!(poll!(&mut all).is_pending());
    release.await.unwrap();
    all.await;
    assert!(storage.locks().await.unwrap().is_empty());
}
