//! Servers that refuse: each with an error that says what to do.

use std::time::{Duration, Instant};

use certstore_conformance::servers::{RedisOptions, shared_redis, shared_redis_cluster};
use certstore_core::{Dir, ErrorKind, Locker as _, Secret, Storage as _};
use certstore_redis::{Mode, RedisConfig, RedisStorage};
use futures_util::StreamExt as _;

use crate::{config, key, name, open, start};

async fn refused(config: &RedisConfig, kind: ErrorKind, says: &str) {
    let error = RedisStorage::open(config).await.expect_err("it is refused");
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(error.to_string().contains(says), "{error:?}");
    assert!(!error.may_have_applied(), "{error:?}");
}

#[tokio::test]
async fn wrong_credentials() {
    let server = start(RedisOptions { password: Some("right".into()), ..RedisOptions::default() });
    let mut config = config(&server);
    refused(&config, ErrorKind::PermissionDenied, "password").await;
    config.password = Some(Secret::new("wrong"));
    refused(&config, ErrorKind::PermissionDenied, "password").await;
    config.username = Some("nobody".into());
    refused(&config, ErrorKind::PermissionDenied, "password").await;
    config.username = None;
    config.password = Some(Secret::new("right"));
    config.db = 4711;
    refused(&config, ErrorKind::InvalidConfig, "database").await;
    config.db = 3;
    let storage = open(&config).await;
    storage.store(&key("a"), b"1").await.expect("stored");
}

#[tokio::test]
async fn an_access_list() {
    let server = start(RedisOptions::default());
    let writer = open(&config(&server)).await;
    writer.store(&key("a/b"), b"1").await.expect("stored");
    let rules =
        ["ACL", "SETUSER", "reader", "on", ">pw", "~*", "&*", "-@all", "+@read", "+@connection"];
    server.cli(&rules).expect("the user is made");
    let mut reading = config(&server);
    reading.username = Some("reader".into());
    reading.password = Some(Secret::new("pw"));
    let reader = open(&reading).await;
    assert_eq!(reader.load(&key("a/b")).await.expect("loaded").as_ref(), b"1");
    let error = reader.store(&key("a/b"), b"2").await.expect_err("it may not write");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    assert!(!error.may_have_applied(), "{error:?}");
    let error = reader.lock(&name("job")).await.expect_err("it may not lock");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    assert_eq!(writer.load(&key("a/b")).await.expect("loaded").as_ref(), b"1");
}

/// As the README says.
#[tokio::test]
async fn the_least_rights_suffice() {
    let server = start(RedisOptions::default());
    let rules = "ACL SETUSER app on >pw ~{test}:* &{test}:* -@all +@connection +@read +@write -@dangerous +eval +evalsha +multi +exec +publish +subscribe +time +info";
    server.cli(&rules.split(' ').collect::<Vec<_>>()).expect("the user is made");
    let mut config = config(&server);
    config.username = Some("app".into());
    config.password = Some(Secret::new("pw"));
    let storage = open(&config).await;
    let mut changes = storage.watch(&Dir::ROOT).await.expect("watched");
    storage.store(&key("a/b"), b"1").await.expect("stored");
    assert!(crate::within("a change", crate::LIMIT, changes.next()).await.is_some());
    let lock = storage.lock(&name("job")).await.expect("locked");
    storage.store_fenced(&key("a/b"), b"2", &lock).await.expect("stored");
    assert_eq!(storage.locks().await.expect("listed").len(), 1);
    lock.unlock().await.expect("unlocked");
    assert_eq!(storage.list(&Dir::ROOT, true).await.expect("listed").len(), 2);
    assert!(storage.stat(&key("a")).await.is_ok_and(|info| !info.is_terminal));
    storage.delete(&key("a")).await.expect("deleted");
    for dangerous in [&["FLUSHALL"][..], &["KEYS", "*"], &["SCRIPT", "FLUSH"], &["CLIENT", "LIST"]]
    {
        let words = [&["--user", "app", "--pass", "pw", "--no-auth-warning"], dangerous].concat();
        let answer = server.cli(&words).unwrap_or_else(|error| error.to_string());
        assert!(answer.contains("NOPERM"), "{dangerous:?}: {answer}");
    }
}

#[tokio::test]
async fn a_client_of_the_callers() {
    let server = start(RedisOptions::default());
    let client = redis::Client::open(format!("{}/2", server.url())).expect("a client");
    let mut config = RedisConfig::default();
    config.prefix = "test".to_owned();
    let storage = RedisStorage::from_client(&client, &config).await.expect("opened");
    storage.store(&key("a"), b"1").await.expect("stored");
    assert_eq!(server.cli(&["-n", "2", "EXISTS", "{test}:value:a"]).expect("told"), "1");
    config.prefix = "{test}".to_owned();
    let error = RedisStorage::from_client(&client, &config).await.expect_err("no such prefix");
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error:?}");
}

#[tokio::test]
async fn no_server_at_the_address() {
    let server = start(RedisOptions::default());
    let config = config(&server);
    drop(server);
    let begun = Instant::now();
    refused(&config, ErrorKind::Unavailable, "refuses the connection").await;
    assert!(begun.elapsed() < config.connect_timeout);
}

#[tokio::test]
async fn the_wrong_mode() {
    let server = shared_redis().expect("redis starts");
    let mut config = config(server);
    config.mode = Mode::Cluster;
    refused(&config, ErrorKind::InvalidConfig, "mode = \"single\"").await;
    config.mode = Mode::Sentinel;
    config.master = Some("certstore".into());
    let error = RedisStorage::open(&config).await.expect_err("it is no sentinel");
    assert!(!error.to_string().is_empty());

    let cluster = shared_redis_cluster().expect("a cluster starts");
    let owner = cluster.primary_of("{test}:id").expect("a primary").port();
    let other = cluster.nodes().iter().find(|node| node.port() != owner).expect("another node");
    let config = crate::config(other);
    refused(&config, ErrorKind::InvalidConfig, "mode = \"cluster\"").await;
}

#[tokio::test]
async fn a_replica() {
    let primary = start(RedisOptions::default());
    let replica = start(RedisOptions::default());
    open(&config(&primary)).await.store(&key("a"), b"1").await.expect("stored");
    let port = primary.port().to_string();
    replica.cli(&["REPLICAOF", "127.0.0.1", &port]).expect("it becomes a replica");
    crate::until("the replica has the value", || async {
        replica.cli(&["EXISTS", "{test}:value:a"]).is_ok_and(|found| found == "1")
    })
    .await;
    let storage = open(&config(&replica)).await;
    assert_eq!(storage.load(&key("a")).await.expect("loaded").as_ref(), b"1");
    let error = storage.store(&key("a"), b"2").await.expect_err("it is read-only");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.to_string().contains("read-only replica"), "{error:?}");
    assert!(!error.may_have_applied(), "{error:?}");
}

#[tokio::test]
async fn an_address_that_swallows_everything() {
    // Takes connections and says nothing.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut config =
        RedisConfig::new("127.0.0.1", listener.local_addr().expect("an address").port());
    config.connect_timeout = Duration::from_millis(300);
    let begun = Instant::now();
    refused(&config, ErrorKind::Unavailable, "300 ms").await;
    assert!(begun.elapsed() < Duration::from_secs(5));
}
