//! The storage that users open.

use async_trait::async_trait;
use bytes::Bytes;
use certstore_core::{
    Capabilities, Change, Condition, Dir, Key, KeyInfo, Lock, Result, Storage, Version, Versioned,
};
use futures_util::stream::BoxStream;
use sqlx::PgPool;

use crate::caddy::{self, CaddyStorage};
use crate::config::{Layout, PostgresConfig};
use crate::erase::Eraser;
use crate::error::BACKEND;
use crate::native::Native;
use crate::pool::Pool;
use crate::schema;

/// Values and locks in a PostgreSQL database.
///
/// Each operation is one statement, and each statement one round trip once its connection has run it before. A lost
/// connection is replaced by itself: reads are then tried once more, writes fail with
/// [`may_have_applied`](certstore_core::Error::may_have_applied) unless they certainly did nothing.
#[derive(Debug)]
pub struct PostgresStorage {
    inner: Box<dyn Inner>,
    eraser: Eraser,
}

trait Inner: Storage + std::fmt::Debug {}
impl<T: Storage + std::fmt::Debug> Inner for T {}

impl PostgresStorage {
    /// Connects, and creates the tables if they are missing and `config` allows it.
    ///
    /// # Errors
    /// [`InvalidConfig`](certstore_core::ErrorKind::InvalidConfig): a wrong setting, no such database or schema, no encrypted
    /// connection where one is asked for, or missing or unknown tables that may not be created.
    /// [`PermissionDenied`](certstore_core::ErrorKind::PermissionDenied): wrong user or password, or no right to the tables.
    /// [`Unavailable`](certstore_core::ErrorKind::Unavailable): no server answers within the limits.
    ///
    /// # Cancel safety
    /// Dropped, it leaves the tables as they were or complete.
    pub async fn open(config: &PostgresConfig) -> Result<Self> {
        Self::with_pool(Pool::new(config)?, config).await.map_err(named)
    }

    /// As [`open`](Self::open), at the server that `client` connects to: its connections are opened with the options of
    /// `client`, and are this storage's own. The address in `config` is not looked at.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    ///
    /// # Cancel safety
    /// As [`open`](Self::open).
    pub async fn from_client(client: &PgPool, config: &PostgresConfig) -> Result<Self> {
        config.check()?;
        let options = (*client.connect_options()).clone();
        Self::with_pool(Pool::with_options(options, config), config).await.map_err(named)
    }

    async fn with_pool(pool: Pool, config: &PostgresConfig) -> Result<Self> {
        let eraser = Eraser::new(&pool, config);
        let inner: Box<dyn Inner> = match config.layout {
            Layout::Certstore => Box::new(Native::open(pool, config).await?),
            Layout::Caddy => Box::new(CaddyStorage::open(pool, config).await?),
        };
        Ok(Self { inner, eraser })
    }

    pub(crate) fn eraser(&self) -> &Eraser {
        &self.eraser
    }

    /// The statements that create the tables of `config`, for an administrator to read and apply. They can be applied again,
    /// and remove nothing.
    ///
    /// ```
    /// use certstore_postgres::{PostgresConfig, PostgresStorage};
    /// let script = PostgresStorage::schema(&PostgresConfig::new());
    /// assert!(script.contains("CREATE TABLE IF NOT EXISTS \"certstore_entries\""));
    /// ```
    #[must_use]
    pub fn schema(config: &PostgresConfig) -> String {
        match config.layout {
            Layout::Certstore => schema::script(config),
            Layout::Caddy => caddy::schema(config),
        }
    }
}

fn named(error: certstore_core::Error) -> certstore_core::Error {
    error.with_operation("open the storage").with_backend(BACKEND)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for PostgresStorage {
    fn backend(&self) -> &'static str {
        self.inner.backend()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn store(&self, key: &Key, value: &[u8]) -> Result<Version> {
        self.inner.store(key, value).await
    }

    async fn store_if(&self, key: &Key, value: &[u8], condition: &Condition) -> Result<Version> {
        self.inner.store_if(key, value, condition).await
    }

    async fn store_fenced(&self, key: &Key, value: &[u8], guard: &Lock) -> Result<Version> {
        self.inner.store_fenced(key, value, guard).await
    }

    async fn store_all(&self, items: &[(&Key, &[u8])]) -> Result<()> {
        self.inner.store_all(items).await
    }

    async fn store_all_fenced(&self, items: &[(&Key, &[u8])], guard: &Lock) -> Result<()> {
        self.inner.store_all_fenced(items, guard).await
    }

    async fn load(&self, key: &Key) -> Result<Bytes> {
        self.inner.load(key).await
    }

    async fn load_versioned(&self, key: &Key) -> Result<Versioned> {
        self.inner.load_versioned(key).await
    }

    async fn load_many(&self, keys: &[&Key]) -> Vec<Result<Bytes>> {
        self.inner.load_many(keys).await
    }

    async fn load_bundle(&self, keys: &[&Key]) -> Result<Vec<Bytes>> {
        self.inner.load_bundle(keys).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.inner.delete(key).await
    }

    async fn delete_if(&self, key: &Key, version: &Version) -> Result<()> {
        self.inner.delete_if(key, version).await
    }

    async fn delete_fenced(&self, key: &Key, guard: &Lock) -> Result<()> {
        self.inner.delete_fenced(key, guard).await
    }

    async fn exists(&self, key: &Key) -> Result<bool> {
        self.inner.exists(key).await
    }

    async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        self.inner.list(dir, recursive).await
    }

    fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        self.inner.walk(dir)
    }

    async fn stat(&self, key: &Key) -> Result<KeyInfo> {
        self.inner.stat(key).await
    }

    async fn watch(&self, dir: &Dir) -> Result<BoxStream<'static, Result<Change>>> {
        self.inner.watch(dir).await
    }

    async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        self.inner.foreign(dir).await
    }
}

certstore_core::forward_locker!(PostgresStorage => inner);
