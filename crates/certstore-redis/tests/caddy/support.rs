//! A server, and storages on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use certstore_conformance::servers::{RedisServer, shared_redis};
use certstore_core::{Dir, Key, LockName, Result, Secret, Storage};
use certstore_redis::{Layout, RedisConfig, RedisStorage};

/// The key of the encrypted fixtures.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

pub(crate) fn server() -> &'static RedisServer {
    shared_redis().expect("redis-server starts; cargo xtask setup installs it")
}

/// A prefix that no other test has.
pub(crate) fn prefix() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let micros = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    format!("caddy-{}-{micros}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn config(prefix: &str) -> RedisConfig {
    let mut config = RedisConfig::new("127.0.0.1", server().port());
    config.layout = Layout::Caddy;
    config.prefix = prefix.to_owned();
    config.lease = Duration::from_secs(1);
    config
}

pub(crate) async fn open(config: &RedisConfig) -> Arc<dyn Storage> {
    try_open(config).await.unwrap()
}

pub(crate) async fn try_open(config: &RedisConfig) -> Result<Arc<dyn Storage>> {
    Ok(Arc::new(RedisStorage::open(config).await?))
}

/// As `redis-cli` would do it.
pub(crate) fn cli(words: &[&str]) -> String {
    server().cli(words).unwrap()
}

pub(crate) fn with_key(mut config: RedisConfig, key: &str) -> RedisConfig {
    config.encryption_key = Some(Secret::new(key));
    config
}

pub(crate) fn key(key: &str) -> Key {
    key.parse().unwrap()
}

pub(crate) fn dir(dir: &str) -> Dir {
    dir.parse().unwrap()
}

pub(crate) fn name(name: &str) -> LockName {
    name.parse().unwrap()
}

/// The lines of an answer.
pub(crate) fn lines(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.is_empty()).collect()
}
