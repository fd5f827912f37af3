//! The identity of the locks, when the server loses everything.

use certstore_conformance::servers::{RedisOptions, RedisServer};
use certstore_core::{ErrorKind, Locker as _, Storage as _};
use certstore_redis::RedisStorage;

use crate::{config, key, name, open, start, until};

/// Starts the server again without what it kept.
async fn emptied(server: &RedisServer, storage: &RedisStorage) {
    server.process().expect("our own").kill().expect("killed");
    server.process().expect("our own").start_again().expect("started");
    until("it answers again", || async { storage.exists(&key("a")).await.is_ok() }).await;
}

#[tokio::test]
async fn who_locks_first_brings_it_back() {
    let server = start(RedisOptions::default());
    let storage = open(&config(&server)).await;
    let before = storage.lock(&name("job")).await.expect("locked");
    let id = before.locker_id().clone();
    let token = before.token();
    before.unlock().await.expect("unlocked");
    emptied(&server, &storage).await;
    let lock = storage.lock(&name("job")).await.expect("locked");
    assert!(lock.token() > token);
    lock.unlock().await.expect("unlocked");
    let other = open(&config(&server)).await;
    let lock = other.lock(&name("job")).await.expect("locked");
    assert_eq!(*lock.locker_id(), id, "tokens of both compare");
    lock.unlock().await.expect("unlocked");
}

#[tokio::test]
async fn whoever_has_another_one_is_told() {
    let server = start(RedisOptions::default());
    let storage = open(&config(&server)).await;
    emptied(&server, &storage).await;
    let other = open(&config(&server)).await;
    let error = storage.lock(&name("job")).await.expect_err("the locks are others now");
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    assert!(error.to_string().contains("reopen"), "{error:?}");
    assert!(!error.may_have_applied(), "{error:?}");
    other.lock(&name("job")).await.expect("locked").unlock().await.expect("unlocked");
    let again = open(&config(&server)).await;
    again.lock(&name("job")).await.expect("locked").unlock().await.expect("unlocked");
}
