//! A primary dies, and the sentinels promote its replica.

use std::time::Duration;

use certstore_conformance::servers::{RedisSentinel, RedisSentinelOptions};
use certstore_core::{ErrorKind, Locker as _, Secret, Storage as _};
use certstore_redis::{Mode, RedisConfig, RedisStorage};

use crate::{key, name, open, until};

fn config(sentinel: &RedisSentinel) -> RedisConfig {
    let mut config = RedisConfig::default();
    config.mode = Mode::Sentinel;
    config.set("nodes", &sentinel.addresses()).expect("addresses");
    config.master = Some(RedisSentinel::MASTER.to_owned());
    config.prefix = "test".to_owned();
    config.timeout = Duration::from_secs(1);
    config
}

#[tokio::test]
async fn a_lost_lock_fails_closed() {
    let sentinel = RedisSentinel::start(&RedisSentinelOptions::default()).expect("five start");
    let mut config = config(&sentinel);
    // No renewal brings the record back meanwhile.
    config.lease = Duration::from_secs(120);
    let storage = open(&config).await;
    storage.store(&key("a"), b"old").await.expect("stored");
    let lock = storage.lock(&name("job")).await.expect("locked");
    let [_, replica] = sentinel.nodes();
    until("the replica has the record", || async {
        replica.cli(&["EXISTS", "{test}:lock:job"]).is_ok_and(|found| found == "1")
    })
    .await;
    // As if the primary had died before it could pass the record on.
    replica.cli(&["CONFIG", "SET", "replica-read-only", "no"]).expect("set");
    replica.cli(&["DEL", "{test}:lock:job"]).expect("deleted");
    let killed = sentinel.kill_primary().expect("killed");
    sentinel.wait_for_promotion(killed).expect("promoted");
    until("the same storage works again", || async { storage.load(&key("a")).await.is_ok() }).await;

    lock.check().expect("its own clock says that it is held");
    let error = storage.store_fenced(&key("a"), b"new", &lock).await.expect_err("no record");
    assert_eq!(error.kind(), ErrorKind::Fenced, "{error:?}");
    let error = storage.delete_fenced(&key("a"), &lock).await.expect_err("no record");
    assert_eq!(error.kind(), ErrorKind::Fenced, "{error:?}");
    assert_eq!(storage.load(&key("a")).await.expect("loaded").as_ref(), b"old");

    let other = open(&config).await;
    let next = other.lock(&name("job")).await.expect("the promoted one grants it");
    assert!(next.token() > lock.token());
    let error = storage.store_fenced(&key("a"), b"new", &lock).await.expect_err("a newer holder");
    assert_eq!(error.kind(), ErrorKind::Fenced, "{error:?}");
    other.store_fenced(&key("a"), b"next", &next).await.expect("stored");
    next.unlock().await.expect("unlocked");
    let error = lock.unlock().await.expect_err("it was lost");
    assert_eq!(error.kind(), ErrorKind::LockLost, "{error:?}");
}

#[tokio::test]
async fn sentinels_are_asked_in_turn() {
    let options = RedisSentinelOptions {
        sentinel_password: Some("secret".to_owned()),
        ..RedisSentinelOptions::default()
    };
    let sentinel = RedisSentinel::start(&options).expect("five start");
    let mut config = config(&sentinel);
    let error = RedisStorage::open(&config).await.expect_err("they ask for a password");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    config.sentinel_password = Some(Secret::new("secret"));
    sentinel.sentinels()[0].kill().expect("killed");
    open(&config).await.store(&key("a"), b"1").await.expect("stored");
    config.master = Some("another".to_owned());
    let error = RedisStorage::open(&config).await.expect_err("they know no such master");
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error:?}");
    assert!(error.to_string().contains("master"), "{error:?}");
}
