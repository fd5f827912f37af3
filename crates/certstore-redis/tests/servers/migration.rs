//! A slot that moves from one node of a cluster to another while it is used.

use std::time::Duration;

use certstore_conformance::servers::{RedisCluster, RedisClusterOptions, RedisServer};
use certstore_core::{Dir, ErrorKind, Result, Storage as _};
use certstore_redis::{Mode, RedisConfig};

use crate::{key, open, until};

/// The slot of a prefix, on its way from one node to another.
struct Move<'a> {
    slot: String,
    from: &'a RedisServer,
    to: &'a RedisServer,
    to_id: String,
}

impl<'a> Move<'a> {
    /// `CLUSTER SETSLOT`: the first answers `ASK` for what it has not, the second answers what was sent on to it.
    fn begin(cluster: &'a RedisCluster, prefix: &str) -> Self {
        let from = cluster.primary_of(prefix).expect("a primary");
        let others = cluster.nodes().iter().filter(|node| node.port() != from.port());
        let to = others.last().expect("another node");
        let slot = from.cli(&["CLUSTER", "KEYSLOT", prefix]).expect("a slot");
        let id = |node: &RedisServer| node.cli(&["CLUSTER", "MYID"]).expect("an id");
        let (from_id, to_id) = (id(from), id(to));
        to.cli(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]).expect("importing");
        from.cli(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]).expect("migrating");
        Self { slot, from, to, to_id }
    }

    fn name(&self, name: &str) {
        let port = self.to.port().to_string();
        let words = ["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS", name];
        assert_eq!(self.from.cli(&words).expect("moved"), "OK", "{name}");
    }

    fn end(self, cluster: &RedisCluster) {
        let names = self.from.cli(&["CLUSTER", "GETKEYSINSLOT", &self.slot, "100"]);
        for name in names.expect("told").lines() {
            self.name(name);
        }
        let mut nodes: Vec<_> = cluster.nodes().iter().collect();
        // Who gets it hears of it first.
        nodes.sort_by_key(|node| node.port() != self.to.port());
        for node in nodes {
            node.cli(&["CLUSTER", "SETSLOT", &self.slot, "NODE", &self.to_id]).expect("settled");
        }
    }
}

fn config(cluster: &RedisCluster, prefix: &str) -> RedisConfig {
    let mut config = RedisConfig::default();
    config.mode = Mode::Cluster;
    config.set("nodes", &cluster.addresses()).expect("addresses");
    config.prefix = prefix.to_owned();
    config.timeout = Duration::from_secs(5);
    config
}

/// Refused, to be tried again, and surely not done.
fn on_its_way<T: std::fmt::Debug>(what: &str, done: Result<T>) {
    let error = done.expect_err(what);
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{what}: {error:?}");
    assert!(error.to_string().contains("moving this prefix"), "{what}: {error:?}");
    assert!(!error.may_have_applied(), "{what}: {error:?}");
}

#[tokio::test]
async fn what_has_moved_is_refused_and_nothing_is_half_written() {
    let cluster = RedisCluster::start(&RedisClusterOptions::default()).expect("a cluster starts");
    let storage = open(&config(&cluster, "test")).await;
    let (moved, stayed, new) = (key("a"), key("b"), key("c/d"));
    for key in [&moved, &stayed] {
        storage.store(key, b"1").await.expect("stored");
    }
    let slot = Move::begin(&cluster, "{test}");
    slot.name("{test}:value:a");

    on_its_way("load", storage.load(&moved).await);
    on_its_way("plain store over a value", storage.store(&moved, b"2").await);
    on_its_way("plain store", storage.store(&new, b"2").await);
    on_its_way("bundle", storage.store_all(&[(&key("e/x"), b"2"), (&key("e/y"), b"2")]).await);
    on_its_way("delete", storage.delete(&moved).await);
    for found in storage.load_many(&[&moved, &stayed]).await {
        on_its_way("load of several", found);
    }
    assert_eq!(&storage.load(&stayed).await.expect("still here")[..], b"1");
    storage.store(&stayed, b"3").await.expect("still here");

    slot.end(&cluster);
    until("it is found on its new node", || async { storage.load(&moved).await.is_ok() }).await;
    assert_eq!(&storage.load(&moved).await.expect("there")[..], b"1");
    assert_eq!(&storage.load(&stayed).await.expect("there")[..], b"3");
    assert_eq!(storage.list(&Dir::ROOT, true).await.expect("listed"), [moved.clone(), stayed]);
    storage.store(&new, b"2").await.expect("stored");
    storage.store(&moved, b"2").await.expect("stored");
    assert_eq!(&storage.load(&moved).await.expect("there")[..], b"2");
}
