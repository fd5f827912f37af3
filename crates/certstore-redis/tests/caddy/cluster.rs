//! On a cluster the layout needs all its keys in one slot.

use std::time::Duration;

use certstore_conformance::servers::shared_redis_cluster;
use certstore_core::ErrorKind;
use certstore_redis::{Layout, Mode, RedisConfig};
use tokio::time::timeout;

use super::support::{dir, key, name, open, prefix, try_open};

fn on_cluster(prefix: &str) -> RedisConfig {
    let cluster = shared_redis_cluster().expect("a cluster starts");
    let mut config = RedisConfig::default();
    config.mode = Mode::Cluster;
    config.layout = Layout::Caddy;
    config.prefix = prefix.to_owned();
    config.lease = Duration::from_secs(2);
    config.set("nodes", &cluster.addresses()).unwrap();
    config
}

#[tokio::test]
async fn a_prefix_without_a_hash_tag_is_refused() {
    for prefix in ["caddy", "{}caddy"] {
        let error = try_open(&on_cluster(prefix)).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("{caddy}"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_with_a_hash_tag_keeps_everything_in_one_slot() {
    let prefix = format!("{{{}}}", prefix());
    let (one, other) = (open(&on_cluster(&prefix)).await, open(&on_cluster(&prefix)).await);
    let (a, b) = (key("x/y/a"), key("x/y/b"));
    one.store_all(&[(&a, b"1"), (&b, b"2")]).await.unwrap();
    assert_eq!(other.load_bundle(&[&a, &b]).await.unwrap()[1], &b"2"[..]);
    assert_eq!(other.list(&dir(""), true).await.unwrap(), [key("x"), key("x/y"), a, b]);
    let lock = one.lock(&name("job")).await.unwrap();
    assert!(other.try_lock(&name("job")).await.unwrap().is_none());
    assert_eq!(other.locks().await.unwrap()[0].token, Some(lock.token()));
    lock.unlock().await.unwrap();
    let next = timeout(Duration::from_secs(5), other.lock(&name("job"))).await.unwrap().unwrap();
    next.unlock().await.unwrap();
    one.delete(&key("x")).await.unwrap();
    assert!(!other.exists(&key("x/y/a")).await.unwrap());
    assert!(other.list(&dir(""), true).await.unwrap().is_empty());
}
