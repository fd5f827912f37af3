//! The contract, on sealed Redis.

mod seal_support;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use certstore_conformance::servers::{RedisOptions, RedisServer, shared_redis};
use certstore_conformance::{Factory, conformance};
use certstore_core::{Error, ErrorKind, Result, Storage};
use certstore_redis::{RedisConfig, RedisStorage};
use seal_support::sealed;

/// One server for all tests. Round trips are not counted here: that the layer adds none is counted on memory.
struct Redis(&'static RedisServer);

fn failed(error: io::Error) -> Error {
    Error::new(ErrorKind::Other, "the test server failed").with_source(error)
}

async fn open(server: &RedisServer, namespace: &str) -> Result<Arc<dyn Storage>> {
    let mut config = RedisConfig::from_url(&server.url())?;
    config.prefix = namespace.to_owned();
    // Several cases outlive one.
    config.lease = Duration::from_secs(2);
    Ok(Arc::new(RedisStorage::open(&config).await?))
}

#[async_trait]
impl Factory for Redis {
    fn name(&self) -> &str {
        "redis"
    }

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        open(self.0, namespace).await
    }

    /// In the server, and not name by name: names of locks can have line feeds in them.
    async fn remove(&self, namespace: &str) -> Result<()> {
        const UNLINK_ALL: &str =
            "for _, name in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('UNLINK', name) end";
        let pattern = format!("{{{namespace}}}*");
        self.0.cli(&["EVAL", UNLINK_ALL, "0", &pattern]).map(drop).map_err(failed)
    }

    /// A storage whose server is gone.
    async fn open_faulty(&self, namespace: &str) -> Result<Option<Arc<dyn Storage>>> {
        let server = RedisServer::start(RedisOptions::default()).map_err(failed)?;
        let storage = open(&server, namespace).await?;
        drop(server);
        Ok(Some(storage))
    }

    fn worker_env(&self) -> Vec<(String, String)> {
        self.0.worker_env()
    }
}

conformance!(sealed("sealed redis", Redis(shared_redis().expect("redis starts")), false));
