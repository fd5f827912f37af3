use std::time::Duration;

use certstore_conformance::servers::{
    RedisCluster, RedisClusterOptions, RedisOptions, RedisSentinel, RedisSentinelOptions,
    shared_redis_cluster, shared_valkey,
};

#[test]
fn valkey_is_valkey() {
    let server = shared_valkey().unwrap();
    assert!(server.cli(&["INFO", "server"]).unwrap().contains("server_name:valkey"));
    assert_eq!(server.command_calls().unwrap(), 0);
    server.cli(&["EVAL", "return redis.call('INCR', 'a')", "0"]).unwrap();
    assert_eq!(server.command_calls().unwrap(), 1);
}

#[test]
fn a_cluster_spreads_keys_and_counts_commands() {
    let cluster = shared_redis_cluster().unwrap();
    assert_eq!(cluster.command_calls().unwrap(), 0);
    let mut ports = std::collections::BTreeSet::new();
    for key in ["a", "b", "c", "d", "e", "f"] {
        let primary = cluster.primary_of(key).unwrap();
        let before = cluster.command_calls().unwrap();
        assert_eq!(primary.cli(&["SET", key, "1"]).unwrap(), "OK");
        assert_eq!(cluster.command_calls().unwrap(), before + 1);
        ports.insert(primary.port());
    }
    assert_eq!(ports.len(), 3, "six keys lie on three nodes");
    assert_eq!(cluster.addresses().split(',').count(), 3);
    assert_eq!(cluster.cli(&["GET", "a"]).unwrap(), "1");
}

#[test]
fn a_replica_takes_over_the_slots_of_a_killed_primary() {
    let node = RedisOptions { password: Some("s3cret".into()), ..RedisOptions::default() };
    let cluster = RedisCluster::start(&RedisClusterOptions { replicas: true, node }).unwrap();
    let old = cluster.primary_of("a").unwrap();
    old.cli(&["SET", "a", "1"]).unwrap();
    old.cli(&["WAIT", "1", "10000"]).unwrap();
    let killed = cluster.kill_primary_of("a").unwrap();
    let new = cluster.primary_of("a").unwrap();
    assert_ne!(new.port(), killed.port());
    assert_eq!(new.cli(&["GET", "a"]).unwrap(), "1");
    killed.process().unwrap().start_again().unwrap();
    cluster.wait_until_in_order(Duration::from_secs(30)).unwrap();
    assert!(killed.cli(&["ROLE"]).unwrap().starts_with("slave"));
}

#[test]
fn sentinels_promote_the_replica_of_a_killed_primary() {
    let options = RedisSentinelOptions {
        node: RedisOptions { password: Some("s3cret".into()), ..RedisOptions::default() },
        sentinel_password: Some("other".into()),
    };
    let fleet = RedisSentinel::start(&options).unwrap();
    let old = fleet.primary().unwrap();
    assert_eq!(old.port(), fleet.nodes()[0].port());
    old.cli(&["SET", "a", "1"]).unwrap();
    old.cli(&["WAIT", "1", "10000"]).unwrap();
    let killed = fleet.kill_primary().unwrap();
    let new = fleet.wait_for_promotion(killed).unwrap();
    assert_ne!(new.port(), killed.port());
    assert_eq!(new.cli(&["GET", "a"]).unwrap(), "1");
    assert_eq!(fleet.addresses().split(',').count(), 3);
}
