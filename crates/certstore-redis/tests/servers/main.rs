//! What servers do to their clients: they refuse, stop, restart, run full and are replaced.

mod cluster;
mod erase;
mod failover;
mod faults;
mod grace;
mod handover;
mod identity;
mod index;
mod limits;
mod loading;
mod migration;
mod notices;
mod overwriting;
#[path = "../support/proxy.rs"]
mod proxy;
mod refusals;
mod restarts;
mod round_trips;
mod tls;
mod watching;

use std::future::Future;
use std::time::Duration;

use certstore_conformance::servers::{RedisOptions, RedisServer};
use certstore_core::{Key, LockName};
use certstore_redis::{RedisConfig, RedisStorage};

/// How long an event may take to happen on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

fn start(options: RedisOptions) -> RedisServer {
    RedisServer::start(options).expect("redis starts")
}

fn config(server: &RedisServer) -> RedisConfig {
    let mut config = RedisConfig::from_url(&server.url()).expect("a URL");
    config.prefix = "test".to_owned();
    config.timeout = Duration::from_secs(1);
    config
}

/// By way of a proxy.
fn through(proxy: &proxy::Proxy) -> RedisConfig {
    let mut config = RedisConfig::from_url(&proxy.url()).expect("a URL");
    config.prefix = "test".to_owned();
    config.timeout = Duration::from_secs(1);
    config
}

async fn open(config: &RedisConfig) -> RedisStorage {
    RedisStorage::open(config).await.expect("the storage opens")
}

fn key(key: &str) -> Key {
    key.parse().expect("a key")
}

fn name(name: &str) -> LockName {
    name.parse().expect("a lock name")
}

/// Waits for what must happen.
async fn within<T>(what: &str, limit: Duration, event: impl Future<Output = T>) -> T {
    tokio::time::timeout(limit, event).await.unwrap_or_else(|_| panic!("{what} within {limit:?}"))
}

/// Looks again and again until it is so.
async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    within(what, LIMIT, async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}
