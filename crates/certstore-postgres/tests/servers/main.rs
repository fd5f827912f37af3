//! What only real servers show: round trips, faults, races, plans.

#[path = "../support/mod.rs"]
mod support;

mod erase;
mod faults;
mod full_disk;
mod locks;
mod migrations;
mod plans;
mod pool;
mod tree;
mod trips;
mod writes;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use certstore_conformance::servers::{PostgresServer, shared_postgres};
use certstore_core::{Error, Key, LockName};
use certstore_postgres::{PostgresConfig, PostgresStorage};

fn key(text: &str) -> Key {
    Key::new(text).expect("a key")
}

fn name(text: &str) -> LockName {
    LockName::new(text).expect("a name")
}

/// A database of one's own on the shared server, gone with the value.
struct Database {
    server: &'static PostgresServer,
    name: String,
}

impl Database {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = shared_postgres().expect("a PostgreSQL server");
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("own_{}_{number}", std::process::id());
        server.create_database(&name).expect("a database");
        Self { server, name }
    }

    fn sql(&self, text: &str) -> String {
        self.server.sql(&self.name, text).expect("the statement runs")
    }

    fn config(&self) -> PostgresConfig {
        self.config_at(self.server.port())
    }

    fn config_at(&self, port: u16) -> PostgresConfig {
        config(&format!("postgres://postgres@127.0.0.1:{port}/{}", self.name))
    }

    async fn open(&self) -> PostgresStorage {
        PostgresStorage::open(&self.config()).await.expect("opens")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        drop(self.server.drop_database(&self.name));
    }
}

fn config(url: &str) -> PostgresConfig {
    PostgresConfig::from_url(url).expect("a URL")
}

async fn fails_to_open(config: &PostgresConfig) -> Error {
    let limit = config.timeout + config.connect_timeout + Duration::from_secs(5);
    let opened = tokio::time::timeout(limit, PostgresStorage::open(config)).await;
    let error = opened.expect("within the limits").expect_err("an error");
    assert!(!error.to_string().contains('\n'), "{error}");
    error
}
