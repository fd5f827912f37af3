//! Erasing a storage, beside others that stay.

use certstore_conformance::servers::{
    RedisCluster, RedisOptions, RedisServer, shared_redis_cluster,
};
use certstore_core::{Dir, Error, ErrorKind, Locker as _, Storage as _};
use certstore_redis::{Layout, Mode, RedisConfig, RedisStorage};

use crate::{config, key, name, open, start};

/// A client of `prefix`, with values in two directories, a free lock's record and a held lock.
async fn filled(config: &RedisConfig, prefix: &str, values: u32) -> RedisStorage {
    let mut config = config.clone();
    prefix.clone_into(&mut config.prefix);
    let storage = open(&config).await;
    for number in 0..values {
        storage.store(&key(&format!("a/{number}/v")), b"value").await.expect("stored");
    }
    storage.store(&key("top"), b"value").await.expect("stored");
    storage.lock(&name("was held")).await.expect("free").unlock().await.expect("given back");
    // A holder that has gone without a word.
    std::mem::forget(storage.lock(&name("is held")).await.expect("free"));
    storage
}

fn names(server: &RedisServer) -> Vec<String> {
    let text = server.cli(&["--scan"]).expect("a list of keys");
    let mut names: Vec<_> =
        text.lines().filter(|name| !name.is_empty()).map(str::to_owned).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn nothing_stays_but_what_the_neighbours_keep() {
    let server = start(RedisOptions::default());
    let at = config(&server);
    let neighbours = [("ab", Layout::Certstore), ("{a}", Layout::Caddy), ("a", Layout::Caddy)];
    for (prefix, layout) in neighbours {
        let mut at = at.clone();
        at.layout = layout;
        filled(&at, prefix, 3).await;
    }
    server.cli(&["SET", "{a}:other", "somebody else's"]).expect("set");
    let before = names(&server);
    let storage = filled(&at, "a", 2_500).await;
    assert!(names(&server).len() > before.len() + 2_500);
    storage.erase().await.expect("erased");
    assert_eq!(names(&server), before);
    storage.erase().await.expect("there is nothing left to erase");
    assert_eq!(storage.list(&Dir::ROOT, true).await.expect("listed"), []);
    storage.store(&key("again"), b"1").await.expect("stored");
    assert_eq!(storage.load(&key("again")).await.expect("loaded"), "1");
}

#[tokio::test]
async fn an_erasure_that_was_broken_off_is_finished_by_the_next() {
    let server = start(RedisOptions::default());
    let storage = filled(&config(&server), "a", 5_000).await;
    let full = names(&server).len();
    let broken = tokio::spawn({
        let config = {
            let mut config = config(&server);
            config.prefix = "a".to_owned();
            config
        };
        async move { open(&config).await.erase().await }
    });
    while names(&server).len() == full {
        tokio::task::yield_now().await;
    }
    broken.abort();
    drop(broken.await);
    storage.erase().await.expect("erased");
    assert_eq!(names(&server), Vec::<String>::new());
}

#[tokio::test]
async fn what_caddy_keeps_goes_with_the_prefix_alone() {
    let server = start(RedisOptions::default());
    let mut at = config(&server);
    at.layout = Layout::Caddy;
    for prefix in ["team/caddy2", "team/c*", "teams/caddy"] {
        filled(&at, prefix, 3).await;
    }
    let before = names(&server);
    let storage = filled(&at, "team/caddy", 1_500).await;
    let above = || server.cli(&["ZRANGE", "team", "0", "-1"]).expect("members");
    assert!(above().lines().any(|member| member == "caddy/"), "{}", above());
    storage.erase().await.expect("erased");
    storage.erase().await.expect("there is nothing left to erase");
    assert_eq!(names(&server), before);
    assert!(!above().lines().any(|member| member == "caddy/"), "{}", above());
    for prefix in ["team/caddy2", "team/c*"] {
        at.prefix = prefix.to_owned();
        open(&at).await.erase().await.expect("erased");
    }
    assert!(names(&server).iter().all(|name| name.starts_with("teams")), "{:?}", names(&server));
}

#[tokio::test]
async fn on_a_cluster_too() {
    let cluster: &RedisCluster = shared_redis_cluster().expect("a cluster");
    let mut at = RedisConfig::default();
    at.mode = Mode::Cluster;
    at.set("nodes", &cluster.addresses()).expect("addresses");
    at.prefix = format!("erase-{}-b", std::process::id());
    let stays = open(&at).await;
    stays.store(&key("a/b"), b"1").await.expect("stored");
    for (prefix, layout) in [("erase-x", Layout::Certstore), ("{erase-y}", Layout::Caddy)] {
        at.layout = layout;
        let storage = filled(&at, prefix, 50).await;
        storage.erase().await.expect("erased");
        assert_eq!(storage.list(&Dir::ROOT, true).await.expect("listed"), []);
        assert!(storage.locks().await.expect("listed").is_empty());
    }
    assert_eq!(stays.load(&key("a/b")).await.expect("it stays"), "1");
    stays.erase().await.expect("erased");
}

#[tokio::test]
async fn a_dead_server_is_told() {
    let server = start(RedisOptions::default());
    let storage = filled(&config(&server), "a", 3).await;
    server.process().expect("our own").kill().expect("killed");
    let error: Error = storage.erase().await.expect_err("nobody answers");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("erase"), "{error}");
}
