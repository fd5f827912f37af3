//! Opens the backend under test: a database a namespace, of a server that all tests share.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use certstore_conformance::Factory;
use certstore_conformance::servers::{PostgresServer, shared_postgres};
use certstore_core::{Error, ErrorKind, Result, Storage};
use certstore_postgres::{Layout, PostgresConfig, PostgresStorage};

/// A database a namespace.
#[derive(Default)]
pub(crate) struct CaddyFactory {
    databases: Mutex<Vec<String>>,
}

pub(crate) fn failed(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Other, "the test server fails").with_source(error)
}

pub(crate) fn server() -> Result<&'static PostgresServer> {
    shared_postgres().map_err(failed)
}

pub(crate) fn config(namespace: &str) -> Result<PostgresConfig> {
    let mut config = PostgresConfig::from_url(&server()?.url(namespace))?;
    config.layout = Layout::Caddy;
    // Several cases outlive a lease.
    config.lease = Duration::from_secs(3);
    Ok(config)
}

impl CaddyFactory {
    /// Makes the database on first use, here or in another process.
    fn prepare(&self, namespace: &str) -> Result<()> {
        let mut databases = self.databases.lock().unwrap_or_else(PoisonError::into_inner);
        if databases.iter().any(|known| known == namespace) {
            return Ok(());
        }
        let known = format!("SELECT 1 FROM pg_database WHERE datname = '{namespace}'");
        if server()?.sql("postgres", &known).map_err(failed)?.is_empty() {
            server()?.create_database(namespace).map_err(failed)?;
        }
        databases.push(namespace.to_owned());
        Ok(())
    }
}

#[async_trait]
impl Factory for CaddyFactory {
    fn name(&self) -> &str {
        "postgres (layout caddy)"
    }

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        self.prepare(namespace)?;
        Ok(Arc::new(PostgresStorage::open(&config(namespace)?).await?))
    }

    async fn remove(&self, namespace: &str) -> Result<()> {
        server()?.drop_database(namespace).map_err(failed)
    }

    async fn open_faulty(&self, namespace: &str) -> Result<Option<Arc<dyn Storage>>> {
        let storage = self.open(namespace).await?;
        server()?.drop_database(namespace).map_err(failed)?;
        Ok(Some(storage))
    }

    fn round_trips(&self) -> Option<u64> {
        let databases = self.databases.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = databases.iter().map(|name| server().ok()?.statement_calls(name).ok());
        calls.sum()
    }

    async fn canary_texts(&self, canary: &str) -> Vec<String> {
        let Ok(server) = server() else { return Vec::new() };
        let url =
            format!("postgres://nobody:{canary}@127.0.0.1:{}/postgres?layout=caddy", server.port());
        let Ok(config) = PostgresConfig::from_url(&url) else { return Vec::new() };
        let mut texts = vec![format!("{config:?}")];
        // The server knows no such role.
        match PostgresStorage::open(&config).await {
            Ok(storage) => texts.push(format!("{storage:?}")),
            Err(error) => texts.push(format!("{error:?} {error}")),
        }
        texts
    }

    fn worker_env(&self) -> Vec<(String, String)> {
        server().map(PostgresServer::worker_env).unwrap_or_default()
    }
}
