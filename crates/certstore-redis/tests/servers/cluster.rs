//! A cluster: one slot for a prefix, and a node that dies.

use std::time::Duration;

use certstore_conformance::servers::{RedisCluster, RedisClusterOptions, shared_redis_cluster};
use certstore_core::{Dir, Key, Locker as _, Storage as _};
use certstore_redis::{Mode, RedisConfig};

use crate::{key, name, open, until};

fn config(cluster: &RedisCluster, prefix: &str) -> RedisConfig {
    let mut config = RedisConfig::default();
    config.mode = Mode::Cluster;
    config.set("nodes", &cluster.addresses()).expect("addresses");
    config.prefix = prefix.to_owned();
    config.timeout = Duration::from_secs(2);
    config
}

#[tokio::test]
async fn a_prefix_lies_on_one_node() {
    let cluster = shared_redis_cluster().expect("a cluster starts");
    let storage = open(&config(cluster, "one-slot")).await;
    let keys: Vec<Key> = (0..50).map(|n| key(&format!("d{}/k{n}", n % 7))).collect();
    for key in &keys {
        storage.store(key, b"1").await.expect("stored");
    }
    storage.lock(&name("job")).await.expect("locked").unlock().await.expect("unlocked");
    let owner = cluster.primary_of("{one-slot}").expect("a primary").port();
    for node in cluster.nodes() {
        let names = node.cli(&["--scan", "--pattern", "*one-slot*"]).expect("told");
        assert_eq!(names.lines().count() > 0, node.port() == owner, "{names}");
    }
    assert_eq!(storage.list(&Dir::ROOT, true).await.expect("listed").len(), 57);
    for key in storage.list(&Dir::ROOT, false).await.expect("listed") {
        storage.delete(&key).await.expect("deleted");
    }
    assert!(storage.list(&Dir::ROOT, true).await.expect("listed").is_empty());
}

#[tokio::test]
async fn a_node_that_dies_is_replaced() {
    let options = RedisClusterOptions { replicas: true, ..RedisClusterOptions::default() };
    let cluster = RedisCluster::start(&options).expect("a cluster starts");
    let storage = open(&config(&cluster, "test")).await;
    storage.store(&key("a"), b"1").await.expect("stored");
    let lock = storage.lock(&name("job")).await.expect("locked");
    let token = lock.token();
    drop(lock);
    let replicated = || async {
        let held = cluster.nodes().iter().filter(|node| {
            node.cli(&["--scan", "--pattern", "{test}:value:a"])
                .is_ok_and(|found| !found.is_empty())
        });
        held.count() == 2
    };
    until("the replica has the value", replicated).await;
    cluster.kill_primary_of("{test}").expect("replaced");
    until("the same storage works again", || async {
        storage.store(&key("b"), b"2").await.is_ok()
    })
    .await;
    assert_eq!(storage.load(&key("a")).await.expect("loaded").as_ref(), b"1");
    let lock = storage.lock(&name("job")).await.expect("locked");
    assert!(lock.token() > token);
    lock.unlock().await.expect("unlocked");
}
