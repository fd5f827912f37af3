//! The storage over the plugin's tables.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::journal::bundle_dir;
use certstore_core::lease::LeaseConfig;
use certstore_core::{
    Batch, Capabilities, Cas, Condition, Dir, Durability, Error, ErrorKind, Fence, Key, KeyInfo,
    Listing, LockerId, Result, Storage, Tree, Version, VersionKind, Versioned,
};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;

use super::locker::CaddyLocker;
use super::shared::Shared;
use super::tables::Tables;
use super::{read, walk, write};
use crate::config::PostgresConfig;
use crate::error::BACKEND;
use crate::pool::Pool;

/// The longest lease: it is renewed every third of it, and the plugin's nodes count on a renewal every 5 s.
const MAX_LEASE: Duration = Duration::from_secs(15);

/// A storage in the tables of Caddy's plugin, data and locks shared with it.
#[derive(Debug, Clone)]
pub(crate) struct CaddyStorage {
    shared: Shared,
    locker: CaddyLocker,
    capabilities: Capabilities,
}

impl CaddyStorage {
    /// Opens the tables, and creates what is missing where `migrate` is set.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: the lease is too long or too short, or a table is missing. Else of the server.
    pub(crate) async fn open(pool: Pool, config: &PostgresConfig) -> Result<Self> {
        let lease = lease(config).map_err(|error| error.with_backend(BACKEND))?;
        let tables = Tables::of(config);
        tables.ensure(&pool, config.migrate).await?;
        let (identity, durable) = tables.described(&pool).await?;
        if !durable {
            tracing::warn!(
                "the server acknowledges commits before they are on disk (synchronous_commit or fsync is off): a crash of it can lose values"
            );
        }
        let durability = if durable { Durability::Fsync } else { Durability::Acknowledged };
        let shared = Shared::new(pool, &tables);
        let id = LockerId::new(format!("{BACKEND}-caddy-{identity}"));
        let capabilities = capabilities(lease.lease(), durability);
        let locker = CaddyLocker::new(shared.clone(), id, lease);
        Ok(Self { shared, locker, capabilities })
    }
}

/// What creates the tables, for an administrator to apply.
pub(crate) fn schema(config: &PostgresConfig) -> String {
    Tables::of(config).script()
}

/// What removes the tables.
pub(crate) fn dropping(config: &PostgresConfig) -> String {
    Tables::of(config).dropping()
}

fn lease(config: &PostgresConfig) -> Result<LeaseConfig> {
    if config.lease > MAX_LEASE {
        return Err(Error::new(
            ErrorKind::InvalidConfig,
            "with layout = \"caddy\" a lease has at most 15 s: Caddy takes a lock that is not renewed in time",
        ));
    }
    let lease = LeaseConfig::new(config.lease)?;
    Ok(match (config.poll_min, config.poll_max) {
        (None, None) => lease,
        (min, max) => {
            let longest = Duration::from_secs(2).min(config.lease / 10);
            let max = max.unwrap_or_else(|| longest.max(min.unwrap_or_default()));
            lease.with_poll(min.unwrap_or(Duration::from_millis(100)).min(max), max)
        }
    })
}

fn capabilities(lease: Duration, durability: Durability) -> Capabilities {
    let mut capabilities = Capabilities::minimal();
    capabilities.cas = Cas::Full;
    capabilities.version = VersionKind::Counter;
    // The tables have no room for a stamp.
    capabilities.fence = Fence::None;
    capabilities.list = Listing::Immediate;
    capabilities.durability = durability;
    capabilities.shared = certstore_core::Shared::Network;
    capabilities.batch = Batch::Atomic;
    capabilities.tree = Tree::Exclusive;
    capabilities.lease = Some(lease);
    capabilities.max_value = Some(write::MAX_VALUE);
    capabilities
}

/// Names the operation and the key in an error.
fn on<'a>(operation: &'static str, key: &'a Key) -> impl Fn(Error) -> Error + 'a {
    move |error| error.with_operation(operation).with_key(key).with_backend(BACKEND)
}

/// Names the operation and the directory in an error.
fn at<'a>(operation: &'static str, dir: &'a Dir) -> impl Fn(Error) -> Error + 'a {
    move |error| error.with_operation(operation).with_subject(dir.as_str()).with_backend(BACKEND)
}

#[async_trait]
impl Storage for CaddyStorage {
    fn backend(&self) -> &'static str {
        BACKEND
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        write::store(&self.shared, &[(key, value)], false).await.map_err(on("store", key))
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        let stored = match condition {
            Condition::Absent => write::store(&self.shared, &[(key, value)], true).await,
            Condition::Version(version) => write::replace(&self.shared, key, value, version).await,
            _ => Err(Error::unsupported("this backend does not know the condition")),
        };
        stored.map_err(on("store", key))
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        let dir = bundle_dir(items.iter().map(|(key, _)| *key))
            .map_err(|error| error.with_backend(BACKEND))?;
        write::store(&self.shared, items, false).await.map(drop).map_err(at("store", &dir))
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.load_versioned(key).await.map(|found| found.value)
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        read::load(&self.shared, key).await.map_err(on("load", key))
    }

    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        if keys.is_empty() {
            return Vec::new();
        }
        match read::load_many(&self.shared, keys).await {
            Ok(values) => {
                let one = |(value, key): (Option<Bytes>, &&Key)| {
                    value.ok_or_else(|| on("load", key)(Error::not_found()))
                };
                values.into_iter().zip(keys).map(one).collect()
            }
            Err(error) => keys.iter().map(|key| Err(on("load", key)(again(&error)))).collect(),
        }
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        let dir = bundle_dir(keys.iter().copied()).map_err(|error| error.with_backend(BACKEND))?;
        let values = read::load_many(&self.shared, keys).await.map_err(at("load bundle", &dir))?;
        let one = |(value, key): (Option<Bytes>, &&Key)| {
            value.ok_or_else(|| on("load bundle", key)(Error::not_found()))
        };
        values.into_iter().zip(keys).map(one).collect()
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        write::delete(&self.shared, key).await.map_err(on("delete", key))
    }

    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        write::delete_if(&self.shared, key, version).await.map_err(on("delete", key))
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        read::exists(&self.shared, key).await.map_err(on("look for", key))
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        read::list(&self.shared, dir, recursive).await.map_err(at("list", dir))
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        let subject = dir.clone();
        walk::walk(self.shared.clone(), dir.clone())
            .map(move |found| found.map_err(at("walk", &subject)))
            .boxed()
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        read::stat(&self.shared, key).await.map_err(on("stat", key))
    }

    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        read::foreign(&self.shared, dir).await.map_err(at("list", dir))
    }
}

/// One failure told of several keys.
fn again(error: &Error) -> Error {
    let text = error.message().to_owned();
    Error::new(error.kind(), text).with_backend(BACKEND)
}

certstore_core::forward_locker!(CaddyStorage => locker);
