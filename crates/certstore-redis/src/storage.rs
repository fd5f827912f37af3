//! The storage, in whichever layout.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Capabilities, Change, Condition, Dir, Key, KeyInfo, Lock, Result, Storage, Version, Versioned,
};
use futures_util::stream::BoxStream;

use crate::caddy::CaddyStorage;
use crate::config::{Layout, RedisConfig};
use crate::connection::Connection;
use crate::register::Policy;
use crate::tree::{Names, TreeStorage};

/// Values and locks in Redis or Valkey.
///
/// One connection serves all calls; it is made anew when it is lost, so a storage need not be opened again after the
/// server was away.
///
/// ```no_run
/// use certstore_core::Storage;
/// use certstore_redis::{RedisConfig, RedisStorage};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> certstore_core::Result<()> {
/// let storage = RedisStorage::open(&RedisConfig::from_url("redis://127.0.0.1/0?prefix=certs")?).await?;
/// storage.store(&"certificates/example.com.crt".parse()?, b"...").await?;
/// # Ok(()) }
/// ```
pub struct RedisStorage {
    pub(crate) connection: Connection,
    pub(crate) config: RedisConfig,
    layout: Box<dyn Storage>,
}

impl RedisStorage {
    /// Connects and opens the storage.
    ///
    /// # Errors
    /// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig): an option is wrong, a file of certificates cannot be
    /// read, there is no such database or master, or the server is of another kind than `mode` says.
    /// [`PermissionDenied`](certstore_core::ErrorKind::PermissionDenied): a wrong user name or password, or the access
    /// list forbids a command. [`Unavailable`](certstore_core::ErrorKind::Unavailable): no server answers, or it takes
    /// no more clients.
    ///
    /// # Cancel safety
    /// Cancel safe: dropped, nothing is left but a connection that closes.
    pub async fn open(config: &RedisConfig) -> Result<Self> {
        Self::over(Connection::open(config).await?, config).await
    }

    /// Opens the storage where `client` connects to; of `config`, what tells the way to the server is not used. The
    /// connection speaks RESP3.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    ///
    /// # Cancel safety
    /// As [`open`](Self::open).
    pub async fn from_client(client: &redis::Client, config: &RedisConfig) -> Result<Self> {
        let mut config = config.clone();
        config.db = client.get_connection_info().redis_settings().db();
        Self::over(Connection::from_client(client, &config).await?, &config).await
    }

    async fn over(connection: Connection, config: &RedisConfig) -> Result<Self> {
        let place = match config.layout {
            Layout::Certstore => Names::new(&config.prefix, config.db).index(),
            Layout::Caddy => config.prefix.clone(),
        };
        let layout: Box<dyn Storage> = match config.layout {
            Layout::Certstore => Box::new(TreeStorage::open(connection.clone(), config).await?),
            Layout::Caddy => Box::new(CaddyStorage::open(connection.clone(), config).await?),
        };
        Policy::new(place).warn(&connection).await;
        Ok(Self { connection, config: config.clone(), layout })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for RedisStorage {
    fn backend(&self) -> &'static str {
        self.layout.backend()
    }

    fn capabilities(&self) -> Capabilities {
        self.layout.capabilities()
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        self.layout.store(key, value).await
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        self.layout.store_if(key, value, condition).await
    }

    async fn store_fenced(&self, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        self.layout.store_fenced(key, value, guard).await
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        self.layout.store_all(items).await
    }

    async fn store_all_fenced(&self, items: &[(&Key, &[u8])], guard: &Lock) -> Result<()> {
        self.layout.store_all_fenced(items, guard).await
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.layout.load(key).await
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        self.layout.load_versioned(key).await
    }

    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        self.layout.load_many(keys).await
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        self.layout.load_bundle(keys).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.layout.delete(key).await
    }

    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        self.layout.delete_if(key, version).await
    }

    async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        self.layout.delete_fenced(key, guard).await
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        self.layout.exists(key).await
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.layout.list(dir, recursive).await
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        self.layout.walk(dir)
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        self.layout.stat(key).await
    }

    async fn watch(&self, dir: &Dir) -> Result<BoxStream<'static, Result<Change>>> {
        self.layout.watch(dir).await
    }

    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        self.layout.foreign(dir).await
    }
}

certstore_core::forward_locker!(RedisStorage => layout);

impl fmt::Debug for RedisStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStorage")
            .field("connection", &self.connection)
            .field("capabilities", &self.layout.capabilities())
            .finish_non_exhaustive()
    }
}
