//! Servers on which a lock is not, or not yet, safe.

use std::time::{Duration, Instant};

use certstore_conformance::servers::{RedisOptions, RedisServer};
use certstore_core::{ErrorKind, Secret};
use certstore_redis::{Layout, RedisConfig};
use tokio::time::timeout;

use super::support::{dir, key, name, open};

fn on(server: &RedisServer) -> RedisConfig {
    let mut config = RedisConfig::from_url(&server.url()).unwrap();
    config.layout = Layout::Caddy;
    config.prefix = "caddy".to_owned();
    config
}

#[tokio::test]
async fn a_server_that_evicts_keeps_values_and_refuses_locks() {
    let options = RedisOptions {
        maxmemory_policy: Some("allkeys-lru".to_owned()),
        ..RedisOptions::default()
    };
    let server = RedisServer::start(options).unwrap();
    let storage = open(&on(&server)).await;
    storage.store(&key("a/b"), b"1").await.unwrap();
    let refused = storage.lock(&name("job")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert!(refused.to_string().contains("maxmemory-policy"), "{refused}");
    assert_eq!(server.cli(&["--scan", "--pattern", "*locks*"]).unwrap(), "");
}

#[tokio::test]
async fn after_a_restart_the_grace_is_waited_for() {
    let start = Instant::now();
    let server = RedisServer::start(RedisOptions::default()).unwrap();
    let mut config = on(&server);
    config.restart_grace = Duration::from_secs(3);
    let storage = open(&config).await;
    assert!(storage.try_lock(&name("job")).await.unwrap().is_none());
    let lock = timeout(Duration::from_secs(20), storage.lock(&name("job"))).await.unwrap().unwrap();
    // The server tells its uptime in whole seconds.
    assert!(start.elapsed() > Duration::from_secs(2), "{:?}", start.elapsed());
    lock.unlock().await.unwrap();
    // The server is the same as before: no grace.
    assert!(storage.try_lock(&name("job")).await.unwrap().is_some());
}

#[tokio::test]
async fn the_access_list_of_the_page_is_enough() {
    let page = include_str!("../../src/caddy/README.md");
    let list = page.split('`').find(|text| text.starts_with("+@connection")).unwrap();
    let server = RedisServer::start(RedisOptions::default()).unwrap();
    let mut words =
        vec!["ACL", "SETUSER", "certs", "on", ">secret", "~caddy*", "&caddy~certstore/*"];
    words.extend(list.split_whitespace());
    server.cli(&words).unwrap();
    let mut config = on(&server);
    config.username = Some("certs".to_owned());
    config.password = Some(Secret::new("secret"));
    config.restart_grace = Duration::from_millis(1);
    let storage = open(&config).await;
    let at = key("a/b");
    storage.store(&at, b"1").await.unwrap();
    assert_eq!(storage.load(&at).await.unwrap(), &b"1"[..]);
    assert_eq!(storage.stat(&at).await.unwrap().size, Some(1));
    assert!(storage.exists(&at).await.unwrap());
    assert_eq!(storage.list(&dir(""), true).await.unwrap().len(), 2);
    let lock = storage.lock(&name("job")).await.unwrap();
    assert_eq!(storage.locks().await.unwrap().len(), 1);
    let waiter = tokio::spawn({
        let other = open(&config).await;
        async move { other.lock(&name("job")).await }
    });
    lock.unlock().await.unwrap();
    let next = timeout(Duration::from_secs(20), waiter).await.unwrap().unwrap().unwrap();
    next.unlock().await.unwrap();
    storage.delete(&key("a")).await.unwrap();
    let elsewhere = server.cli(&["ACL", "LOG"]).unwrap();
    assert_eq!(elsewhere, "", "the server refused something");
}
