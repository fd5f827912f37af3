//! Servers that are full.

use std::time::Duration;

use certstore_conformance::servers::{RedisOptions, RedisServer};
use certstore_core::{ErrorKind, Locker as _, Storage as _};
use certstore_redis::{Layout, RedisStorage};

use crate::{config, key, name, open, start, until};

#[tokio::test]
async fn out_of_memory() {
    let server = start(RedisOptions { maxmemory: Some("6mb".into()), ..RedisOptions::default() });
    let storage = open(&config(&server)).await;
    let value = vec![7; 256 * 1024];
    let mut stored = 0;
    let error = loop {
        assert!(stored < 100, "the server's memory has a limit");
        match storage.store(&key(&format!("a/{stored}")), &value).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.to_string().contains("maxmemory"), "{error:?}");
    assert!(!error.may_have_applied(), "{error:?}");
    // Nothing half-written, and what was there can be read and deleted.
    assert_eq!(
        storage.list(&"a".parse().expect("a directory"), true).await.expect("listed").len(),
        stored
    );
    assert_eq!(storage.load(&key("a/0")).await.expect("loaded").as_ref(), &value);
    storage.delete(&key("a")).await.expect("deleted");
    storage.store(&key("a/b"), b"1").await.expect("there is room again");
}

/// Fills the server up to its limit.
fn fill(server: &RedisServer) {
    for round in 0..100 {
        let name = format!("filler:{round}");
        let value = "x".repeat(100_000);
        let done = server.cli(&["SET", &name, &value]).unwrap_or_else(|error| error.to_string());
        if done.contains("OOM") {
            return;
        }
        assert_eq!(done, "OK");
    }
    panic!("the server's memory has a limit");
}

#[tokio::test]
async fn held_locks_outlive_a_full_server() {
    for layout in [Layout::Certstore, Layout::Caddy] {
        let options = RedisOptions { maxmemory: Some("6mb".into()), ..RedisOptions::default() };
        let server = start(options);
        let mut config = config(&server);
        config.layout = layout;
        config.lease = Duration::from_secs(3);
        let (storage, other) = (open(&config).await, open(&config).await);
        // The server learns the scripts.
        storage.lock(&name("first")).await.expect("locked").unlock().await.expect("unlocked");
        let lock = storage.lock(&name("job")).await.expect("locked");
        fill(&server);
        let refused = other.store(&key("a"), &[7; 100_000]).await.expect_err("there is no room");
        assert!(refused.to_string().contains("maxmemory"), "{refused:?}");
        // Longer than a lease: it was renewed.
        assert!(tokio::time::timeout(config.lease * 2, lock.lost()).await.is_err(), "{layout:?}");
        lock.check().expect("it is held");
        assert!(other.locks().await.expect("listed").iter().any(|lock| lock.name == "job"));
        lock.unlock().await.expect("unlocked");
        assert!(other.locks().await.expect("listed").is_empty());
    }
}

#[tokio::test]
async fn too_many_clients() {
    let settings = vec![("maxclients".to_owned(), "2".to_owned())];
    let server = start(RedisOptions { settings, ..RedisOptions::default() });
    let first = open(&config(&server)).await;
    let second = open(&config(&server)).await;
    let error = RedisStorage::open(&config(&server)).await.expect_err("there is no room");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.to_string().contains("maxclients"), "{error:?}");
    first.store(&key("a"), b"1").await.expect("who is in stays in");
    drop(second);
    until("there is room again", || async { RedisStorage::open(&config(&server)).await.is_ok() })
        .await;
}

#[tokio::test]
async fn locks_need_a_server_that_evicts_nothing() {
    let server = start(RedisOptions {
        maxmemory_policy: Some("volatile-lru".into()),
        ..RedisOptions::default()
    });
    let storage = open(&config(&server)).await;
    storage.store(&key("a"), b"1").await.expect("values are stored");
    let error = storage.lock(&name("job")).await.expect_err("no lock");
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    for part in ["volatile-lru", "noeviction", "[storage.lock]"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(storage.locks().await.expect("listed").is_empty());
    server.cli(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).expect("set");
    storage.lock(&name("job")).await.expect("now it locks").unlock().await.expect("unlocked");
}

#[tokio::test]
async fn a_disk_that_cannot_be_written() {
    let settings = vec![("enable-protected-configs".to_owned(), "yes".to_owned())];
    let server = start(RedisOptions { settings, ..RedisOptions::default() });
    let storage = open(&config(&server)).await;
    storage.store(&key("a"), b"1").await.expect("stored");
    let home = server.cli(&["CONFIG", "GET", "dir"]).expect("told");
    let home = home.lines().nth(1).expect("a folder").to_owned();
    let saved = |how: &'static str| {
        let server = &server;
        move || async move {
            drop(server.cli(&["BGSAVE"]));
            server
                .cli(&["INFO", "persistence"])
                .is_ok_and(|info| info.contains(&format!("rdb_last_bgsave_status:{how}")))
        }
    };
    server.cli(&["CONFIG", "SET", "save", "3600 1"]).expect("set");
    server.cli(&["CONFIG", "SET", "dir", "/proc"]).expect("set");
    until("saving fails", saved("err")).await;
    let error = storage.store(&key("a"), b"2").await.expect_err("it takes no writes");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.to_string().contains("disk"), "{error:?}");
    assert!(!error.may_have_applied(), "{error:?}");
    assert_eq!(storage.load(&key("a")).await.expect("loaded").as_ref(), b"1");
    server.cli(&["CONFIG", "SET", "dir", &home]).expect("set");
    until("saving works", saved("ok")).await;
    storage.store(&key("a"), b"2").await.expect("it takes writes again");
}
