//! The storage in the layout of the plugin.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::journal::bundle_dir;
use certstore_core::lease::LeaseLocker;
use certstore_core::{
    Batch, Capabilities, Cas, Condition, Dir, Durability, Error, ErrorKind, Fence, Key, KeyInfo,
    Listing, LockerId, Result, Shared, Storage, Tree, Version, VersionKind, Versioned,
};
use futures_util::stream::{BoxStream, StreamExt as _};

use super::codec::Codec;
use super::compression::Method;
use super::data::{Data, When};
use super::names::Names;
use super::register::CaddyRegister;
use super::scripts::Scripts;
use crate::config::{Compression, Mode, RedisConfig};
use crate::connection::Connection;
use crate::error::BACKEND;

/// The plugin's time to live of a lock, and the longest lease here.
const LEASE: Duration = Duration::from_secs(5);

/// The largest value: its envelope, a third longer, stays far below what Redis takes at once.
const MAX_VALUE: u64 = 64 << 20;

/// Values, directories and locks as pberkel/caddy-storage-redis keeps them.
#[derive(Debug)]
pub(crate) struct CaddyStorage {
    pub(super) data: Arc<Data>,
    pub(super) locker: LeaseLocker<CaddyRegister>,
    lease: Duration,
}

impl CaddyStorage {
    /// The layout over a connection.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: the prefix or the encryption key cannot be used. [`ErrorKind::Unsupported`]: a
    /// cluster whose slots the prefix does not choose.
    pub(crate) async fn open(connection: Connection, config: &RedisConfig) -> Result<Self> {
        let open = |error: Error| error.with_operation("open").with_backend(BACKEND);
        let names = Names::new(&config.prefix).map_err(open)?;
        if config.mode == Mode::Cluster && !names.is_one_slot() {
            return Err(open(Error::unsupported(
                "on a cluster the layout caddy needs a prefix with a hash tag, such as \"{caddy}\", here and as \
                 Caddy's key_prefix: else a value and its directory lie on different nodes",
            )));
        }
        let method = match config.compression {
            Compression::None => Method::None,
            Compression::Flate => Method::Flate,
            Compression::Zlib => Method::Zlib,
        };
        let codec = Codec::new(method, config.encryption_key.as_ref()).map_err(open)?;
        let mut times = config.clone();
        times.lease = config.lease.min(LEASE);
        let times = times.lease_config()?;
        let lease = times.lease();
        let id = LockerId::new(format!("redis-caddy/{}", names.prefix()));
        Scripts::load(&connection).await;
        let data = Arc::new(Data { connection, names, codec, scripts: Scripts::new() });
        let register = CaddyRegister::new(data.clone(), config, &times);
        Ok(Self { data, locker: LeaseLocker::new(register, id, BACKEND, times), lease })
    }

    async fn put(&self, items: &[(&Key, &[u8])], when: When<'_>) -> Result<Version> {
        for (key, value) in items {
            if value.len() as u64 > MAX_VALUE {
                let message =
                    format!("a value has at most {MAX_VALUE} bytes, this one has {}", value.len());
                return Err(on("store", key)(Error::new(ErrorKind::TooLarge, message)));
            }
        }
        self.data.store(items, when).await
    }
}

/// Names the operation and the key in an error.
fn on<'a>(operation: &'static str, key: &'a Key) -> impl Fn(Error) -> Error + 'a {
    move |error| error.with_operation(operation).with_key(key).with_backend(BACKEND)
}

/// Names the operation and the directory in an error.
fn in_dir<'a>(dir: &'a Dir) -> impl Fn(Error) -> Error + 'a {
    move |error| {
        let named = error.with_operation("list").with_backend(BACKEND);
        if dir.is_root() { named.with_subject("/") } else { named.with_subject(dir.as_str()) }
    }
}

#[async_trait]
impl Storage for CaddyStorage {
    fn backend(&self) -> &'static str {
        BACKEND
    }

    fn capabilities(&self) -> Capabilities {
        let mut can = Capabilities::minimal();
        can.cas = Cas::Full;
        // Nothing in the plugin's format makes two writes of one value differ for sure.
        can.version = VersionKind::Content;
        // There is no place for a stamp, and the plugin would not look at it.
        can.fence = Fence::None;
        can.list = Listing::Immediate;
        can.durability = Durability::Acknowledged;
        can.shared = Shared::Network;
        can.batch = Batch::Atomic;
        can.tree = Tree::Exclusive;
        can.lease = Some(self.lease);
        can.max_value = Some(MAX_VALUE);
        can
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        self.put(&[(key, value)], When::Always).await.map_err(on("store", key))
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        let when = match condition {
            Condition::Absent => When::Absent,
            Condition::Version(version) => When::Version(version),
            _ => return Err(on("store", key)(Error::unsupported("this condition is not known"))),
        };
        self.put(&[(key, value)], when).await.map_err(on("store", key))
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        let dir = bundle_dir(items.iter().map(|(key, _)| *key))
            .map_err(|error| error.with_backend(BACKEND))?;
        self.put(items, When::Always).await.map(drop).map_err(|error| {
            error.with_operation("store").with_subject(dir.as_str()).with_backend(BACKEND)
        })
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.data.load(key).await.map_err(on("load", key))
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        self.data.load_versioned(key).await.map_err(on("load", key))
    }

    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        let found = self.data.load_many(keys).await;
        keys.iter().zip(found).map(|(key, found)| found.map_err(on("load", key))).collect()
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        bundle_dir(keys.iter().copied()).map_err(|error| error.with_backend(BACKEND))?;
        self.load_many(keys).await.into_iter().collect()
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.data.delete(key, When::Always).await.map_err(on("delete", key))
    }

    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        self.data.delete(key, When::Version(version)).await.map_err(on("delete", key))
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        self.data.exists(key).await.map_err(on("look for", key))
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.data.list(dir, recursive).await.map_err(in_dir(dir))
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        let dir = dir.clone();
        self.data.walk(&dir).map(move |found| found.map_err(in_dir(&dir))).boxed()
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        let found = self.data.stat(vec![key.clone()]).await.map_err(on("stat", key))?.pop();
        found.flatten().ok_or_else(|| on("stat", key)(Error::not_found()))
    }

    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        self.data.foreign(dir).await.map_err(in_dir(dir))
    }
}
