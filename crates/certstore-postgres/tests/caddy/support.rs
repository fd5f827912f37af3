//! What the tests of rows and locks share.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use certstore_core::{Dir, Key, LockName};
use certstore_postgres::{Layout, PostgresConfig, PostgresStorage};

use crate::factory::server;

/// The plugin's tables, as it makes them.
pub(crate) const PLUGIN_TABLES: &str = "
CREATE TABLE IF NOT EXISTS caddy_locks (name CHARACTER VARYING(255) PRIMARY KEY, record_version_number BIGINT,
    data BYTEA, owner CHARACTER VARYING(255));
CREATE SEQUENCE IF NOT EXISTS caddy_locks_rvn CYCLE OWNED BY caddy_locks.record_version_number;
CREATE TABLE IF NOT EXISTS caddy_certmagic_objects (parent text NOT NULL, name text NOT NULL, is_file boolean NOT NULL,
    value bytea, modified timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (parent, name),
    CONSTRAINT caddy_certmagic_objects_chk
        CHECK ((is_file = true AND value IS NOT NULL) OR (is_file = false AND value IS NULL)));
CREATE INDEX IF NOT EXISTS caddy_certmagic_objects_parent_like_idx ON caddy_certmagic_objects (parent text_pattern_ops);
";

/// A database of its own, gone when it is dropped.
pub(crate) struct Database(String);

impl Database {
    /// Empty.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("caddy_{}_{number}", std::process::id());
        server().unwrap().create_database(&name).unwrap();
        Self(name)
    }

    /// With the plugin's tables.
    pub(crate) fn of_plugin() -> Self {
        let database = Self::new();
        database.sql(PLUGIN_TABLES);
        database
    }

    pub(crate) fn url(&self) -> String {
        server().unwrap().url(&self.0)
    }

    /// Rows, a line each, columns separated by `|`.
    pub(crate) fn sql(&self, text: &str) -> String {
        server().unwrap().sql(&self.0, text).unwrap()
    }

    pub(crate) fn config(&self) -> PostgresConfig {
        let mut config = PostgresConfig::from_url(&self.url()).unwrap();
        config.layout = Layout::Caddy;
        config.lease = Duration::from_secs(2);
        config
    }

    pub(crate) async fn open(&self) -> PostgresStorage {
        PostgresStorage::open(&self.config()).await.unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        server().unwrap().drop_database(&self.0).unwrap();
    }
}

pub(crate) fn key(key: &str) -> Key {
    Key::new(key).unwrap()
}

pub(crate) fn dir(dir: &str) -> Dir {
    Dir::new(dir).unwrap()
}

pub(crate) fn name(name: &str) -> LockName {
    LockName::new(name).unwrap()
}

/// Keys as text.
pub(crate) fn texts(keys: &[Key]) -> Vec<&str> {
    keys.iter().map(Key::as_str).collect()
}
