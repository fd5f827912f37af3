//! This project's own tables: the whole contract, one statement an operation.

mod list;
mod read;
mod statements;
mod walk;
mod write;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::lease::{LeaseConfig, LeaseLocker};
use certstore_core::{
    Batch, Capabilities, Cas, Condition, Dir, Durability, Error, Fence, Key, KeyInfo, Listing,
    Lock, LockerId, Result, Shared, Storage, Tree, Version, VersionKind, Versioned,
};
use futures_util::stream::BoxStream;

use crate::config::PostgresConfig;
use crate::error::BACKEND;
use crate::pool::{Arg, Pool};
use crate::register::PostgresRegister;
use crate::schema::{self, Names};
use crate::wake::Waker;
pub(crate) use read::column;
use statements::Statements;

/// The largest value. The server takes up to 1 GB, but holds a value several times in memory while it writes it.
const MAX_VALUE: u64 = 64 * 1024 * 1024;

/// A storage in this project's tables.
#[derive(Debug)]
pub(crate) struct Native {
    pool: Pool,
    sql: Statements,
    locker: LeaseLocker<PostgresRegister>,
    capabilities: Capabilities,
}

impl Native {
    pub(crate) async fn open(pool: Pool, config: &PostgresConfig) -> Result<Self> {
        let lease = lease(config)?;
        let meta = schema::prepare(&pool, config).await?;
        if !meta.durable {
            tracing::warn!(
                "the server acknowledges commits before they are on disk (synchronous_commit or fsync is off): a crash of it can lose values"
            );
        }
        let names = Names::new(config);
        let channel = format!("certstore_{}", meta.store.replace('-', ""));
        let waker = Waker::new(&pool, config, &channel)?;
        let register =
            PostgresRegister::new(pool.for_locks(), &names, channel, waker, config.lock_clock);
        register.sweep().await;
        let sql = Statements::new(&names);
        warm(&pool, &sql, &register).await?;
        let id = LockerId::new(format!("{BACKEND}-{}", meta.store));
        let capabilities = capabilities(&lease, meta.durable);
        Ok(Self { pool, sql, locker: LeaseLocker::new(register, id, BACKEND, lease), capabilities })
    }
}

/// Prepares what most callers use first.
async fn warm(pool: &Pool, sql: &Statements, register: &PostgresRegister) -> Result<()> {
    let (key, value) = (Arg::Text(""), Arg::Bytes(b""));
    pool.warm(&[
        (&sql.put, &[key, value]),
        (&sql.get, &[key]),
        (&sql.is_there, &[key]),
        (&sql.info, &[key]),
    ])
    .await?;
    register.warm().await
}

fn capabilities(lease: &LeaseConfig, durable: bool) -> Capabilities {
    let mut capabilities = Capabilities::minimal();
    capabilities.cas = Cas::Full;
    capabilities.version = VersionKind::Counter;
    capabilities.fence = Fence::Strict;
    capabilities.list = Listing::Immediate;
    capabilities.durability = if durable { Durability::Fsync } else { Durability::Acknowledged };
    capabilities.shared = Shared::Network;
    capabilities.batch = Batch::Atomic;
    capabilities.tree = Tree::Exclusive;
    capabilities.lease = Some(lease.lease());
    capabilities.max_value = Some(MAX_VALUE);
    capabilities
}

/// The times of locks. No local hand-overs: each holder is in the table, so that a fenced write can ask for it.
pub(crate) fn lease(config: &PostgresConfig) -> Result<LeaseConfig> {
    let lease = LeaseConfig::new(config.lease).map_err(|error| error.with_backend(BACKEND))?;
    let most = Duration::from_secs(2).min(config.lease / 10);
    let max = config.poll_max.unwrap_or_else(|| most.max(config.poll_min.unwrap_or_default()));
    let min = config.poll_min.unwrap_or(Duration::from_millis(100)).min(max);
    Ok(lease.with_handovers(0).with_poll(min, max))
}

/// Names the operation and the key in an error.
fn on<'a>(operation: &'static str, key: &'a Key) -> impl Fn(Error) -> Error + 'a {
    move |error| error.with_operation(operation).with_key(key).with_backend(BACKEND)
}

#[async_trait]
impl Storage for Native {
    fn backend(&self) -> &'static str {
        BACKEND
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        self.put(key, value).await.map_err(on("store", key))
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        self.put_if(key, value, condition).await.map_err(on("store", key))
    }

    async fn store_fenced(&self, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        self.put_fenced(key, value, guard).await.map_err(on("store", key))
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        self.put_all(items, None).await
    }

    async fn store_all_fenced(&self, items: &[(&Key, &[u8])], guard: &Lock) -> Result<()> {
        self.put_all(items, Some(guard)).await
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.get(key).await.map(|found| found.value).map_err(on("load", key))
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        self.get(key).await.map_err(on("load", key))
    }

    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        self.get_many(keys).await
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        self.get_bundle(keys).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.remove(key).await.map_err(on("delete", key))
    }

    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        self.remove_if(key, version).await.map_err(on("delete", key))
    }

    async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        self.remove_fenced(key, guard).await.map_err(on("delete", key))
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        self.is_there(key).await.map_err(on("look for", key))
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.keys_in(dir, recursive).await.map_err(|error| list::on_dir(error, dir))
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        self.walk_in(dir)
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        self.info(key).await.map_err(on("stat", key))
    }

    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        self.foreign_in(dir).await.map_err(|error| list::on_dir(error, dir))
    }
}

certstore_core::forward_locker!(Native => locker);
