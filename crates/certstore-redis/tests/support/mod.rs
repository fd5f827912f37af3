//! The suite's way to Redis, Valkey and a cluster.

mod proxy;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use certstore_conformance::Factory;
use certstore_conformance::servers::{
    RedisCluster, RedisClusterOptions, RedisOptions, RedisServer, shared_redis,
    shared_redis_cluster, shared_valkey,
};
use certstore_core::{Error, ErrorKind, Result, Storage};
use certstore_redis::{Mode, RedisConfig, RedisStorage};
use proxy::Proxy;

/// What the suite runs against.
#[expect(
    clippy::allow_attributes,
    reason = "which ones are unused differs from test program to test program"
)]
#[allow(dead_code)]
pub(crate) enum Servers {
    One(&'static RedisServer),
    /// One of its own, behind what counts its round trips.
    Own(Proxy, Box<RedisServer>),
    Cluster(&'static RedisCluster),
    OwnCluster(RedisCluster),
}

pub(crate) struct RedisFactory {
    name: &'static str,
    servers: Servers,
}

/// Whether this test counts round trips: then nobody else may use its server.
fn counts() -> bool {
    std::thread::current().name().is_some_and(|name| name.ends_with("cost_1"))
}

#[expect(
    clippy::allow_attributes,
    reason = "which ones are unused differs from test program to test program"
)]
#[allow(dead_code)]
impl RedisFactory {
    pub(crate) fn redis() -> Self {
        let servers = if counts() {
            own(RedisOptions::default())
        } else {
            Servers::One(shared_redis().expect("redis starts"))
        };
        Self { name: "redis", servers }
    }

    pub(crate) fn valkey() -> Self {
        let servers = if counts() {
            let options = RedisOptions { valkey: true, ..RedisOptions::default() };
            own(options)
        } else {
            Servers::One(shared_valkey().expect("valkey starts"))
        };
        Self { name: "valkey", servers }
    }

    pub(crate) fn cluster() -> Self {
        let servers = if counts() {
            let cluster = RedisCluster::start(&RedisClusterOptions::default());
            Servers::OwnCluster(cluster.expect("a cluster starts"))
        } else {
            Servers::Cluster(shared_redis_cluster().expect("a cluster starts"))
        };
        Self { name: "redis cluster", servers }
    }

    fn config(&self, namespace: &str) -> Result<RedisConfig> {
        let mut config = match &self.servers {
            Servers::One(server) => RedisConfig::from_url(&server.url())?,
            Servers::Own(proxy, _) => RedisConfig::from_url(&proxy.url())?,
            Servers::Cluster(cluster) => of_cluster(&cluster.addresses())?,
            Servers::OwnCluster(cluster) => of_cluster(&cluster.addresses())?,
        };
        config.prefix = namespace.to_owned();
        // Several cases outlive one.
        config.lease = Duration::from_secs(2);
        Ok(config)
    }

    /// The nodes that keep data.
    fn nodes(&self) -> Vec<&RedisServer> {
        match &self.servers {
            Servers::One(server) => vec![server],
            Servers::Own(_, server) => vec![server],
            Servers::Cluster(cluster) => cluster.nodes().iter().collect(),
            Servers::OwnCluster(cluster) => cluster.nodes().iter().collect(),
        }
    }
}

fn own(options: RedisOptions) -> Servers {
    let server = RedisServer::start(options).expect("the server starts");
    Servers::Own(Proxy::start(server.port()), Box::new(server))
}

fn of_cluster(addresses: &str) -> Result<RedisConfig> {
    let mut config = RedisConfig::default();
    config.mode = Mode::Cluster;
    config.set("nodes", addresses)?;
    Ok(config)
}

fn failed(error: io::Error) -> Error {
    Error::new(ErrorKind::Other, "the test server failed").with_source(error)
}

/// In the server, and not name by name: names of locks can have line feeds in them.
fn remove(node: &RedisServer, namespace: &str) -> io::Result<()> {
    const UNLINK_ALL: &str =
        "for _, name in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('UNLINK', name) end";
    node.cli(&["EVAL", UNLINK_ALL, "0", &format!("{{{namespace}}}*")]).map(drop)
}

#[async_trait]
impl Factory for RedisFactory {
    fn name(&self) -> &str {
        self.name
    }

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        Ok(Arc::new(RedisStorage::open(&self.config(namespace)?).await?))
    }

    async fn remove(&self, namespace: &str) -> Result<()> {
        for node in self.nodes() {
            remove(node, namespace).map_err(failed)?;
        }
        Ok(())
    }

    /// A storage whose server is gone.
    async fn open_faulty(&self, namespace: &str) -> Result<Option<Arc<dyn Storage>>> {
        let server = RedisServer::start(RedisOptions::default()).map_err(failed)?;
        let mut config = RedisConfig::from_url(&server.url())?;
        config.prefix = namespace.to_owned();
        let storage = RedisStorage::open(&config).await?;
        drop(server);
        Ok(Some(Arc::new(storage)))
    }

    async fn canary_texts(&self, canary: &str) -> Vec<String> {
        canary_texts(canary).await.expect("the servers for the canaries start")
    }

    fn round_trips(&self) -> Option<u64> {
        let calls = match &self.servers {
            Servers::One(server) => server.command_calls(),
            Servers::Own(proxy, _) => return Some(proxy.round_trips()),
            Servers::Cluster(cluster) => cluster.command_calls(),
            Servers::OwnCluster(cluster) => cluster.command_calls(),
        };
        Some(calls.expect("the server counts"))
    }

    fn worker_env(&self) -> Vec<(String, String)> {
        match &self.servers {
            Servers::One(server) => server.worker_env(),
            Servers::Own(_, server) => server.worker_env(),
            Servers::Cluster(cluster) => cluster.worker_env(),
            Servers::OwnCluster(cluster) => cluster.worker_env(),
        }
    }
}

/// Every text of a storage whose passwords are all `canary`: when it works, and when each part of it fails.
async fn canary_texts(canary: &str) -> io::Result<Vec<String>> {
    let options = RedisOptions { password: Some(canary.to_owned()), ..RedisOptions::default() };
    let server = RedisServer::start(options)?;
    let host = format!("127.0.0.1:{}", server.port());
    let mut texts = Vec::new();
    for url in [
        format!("redis://:{canary}@{host}"),
        format!("redis://user:{canary}@{host}"),
        format!("redis://:{canary}x@{host}"),
        format!("redis://:{canary}@{host}/99"),
        format!("redis://:{canary}@{host}/{canary}"),
        format!("redis://:{canary}@{host}:x"),
        format!("redis://:{canary}@{host}?mode=cluster"),
        format!("redis://:{canary}@{host}?mode=sentinel&master=m&sentinel_password={canary}"),
        format!("redis://:{canary}@{host}?encryption_key={canary}&layout=caddy"),
        format!("rediss://:{canary}@{host}"),
        format!("redis://:{canary}@127.0.0.1:1"),
    ] {
        let config = match RedisConfig::from_url(&url) {
            Ok(mut config) => {
                config.connect_timeout = Duration::from_millis(500);
                config.timeout = Duration::from_millis(500);
                config
            }
            Err(error) => {
                texts.push(all_of(&error));
                continue;
            }
        };
        texts.push(format!("{config:?}"));
        match RedisStorage::open(&config).await {
            Ok(storage) => {
                texts.push(format!("{storage:?}"));
                let missing = storage.load(&"missing".parse().expect("a key")).await;
                texts.extend(missing.err().map(|error| all_of(&error)));
            }
            Err(error) => texts.push(all_of(&error)),
        }
    }
    Ok(texts)
}

/// `Debug`, `Display` and every source.
fn all_of(error: &Error) -> String {
    let mut text = format!("{error:?} {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text += &format!(" {cause:?} {cause}");
        source = cause.source();
    }
    text
}
