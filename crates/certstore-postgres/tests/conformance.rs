//! The contract, on a PostgreSQL server.

mod support;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use certstore_conformance::servers::{PostgresServer, shared_postgres};
use certstore_conformance::{Factory, conformance};
use certstore_core::{Error, ErrorKind, Result, Storage};
use certstore_postgres::{PostgresConfig, PostgresStorage};
use support::canaries;
use support::proxy::Proxy;

/// A database for each namespace, reached through a proxy that counts.
struct PostgresFactory {
    server: &'static PostgresServer,
    proxy: Proxy,
}

impl PostgresFactory {
    fn new() -> Self {
        let server = shared_postgres().expect("a PostgreSQL server");
        Self { server, proxy: Proxy::start(server.port()) }
    }

    fn database(namespace: &str) -> String {
        format!("ns_{namespace}")
    }

    fn config(&self, namespace: &str, port: u16) -> Result<PostgresConfig> {
        let database = Self::database(namespace);
        let mut config =
            PostgresConfig::from_url(&format!("postgres://postgres@127.0.0.1:{port}/{database}"))?;
        config.lease = Duration::from_secs(1);
        Ok(config)
    }
}

#[async_trait]
impl Factory for PostgresFactory {
    fn name(&self) -> &str {
        "postgres"
    }

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        support::database(self.server, &Self::database(namespace));
        let config = self.config(namespace, self.proxy.port())?;
        Ok(Arc::new(PostgresStorage::open(&config).await?))
    }

    async fn remove(&self, namespace: &str) -> Result<()> {
        self.server.drop_database(&Self::database(namespace)).map_err(|error| {
            Error::new(ErrorKind::Other, "the database cannot be removed").with_source(error)
        })
    }

    /// A storage whose server has gone.
    async fn open_faulty(&self, namespace: &str) -> Result<Option<Arc<dyn Storage>>> {
        support::database(self.server, &Self::database(namespace));
        let proxy = Proxy::start(self.server.port());
        let storage = PostgresStorage::open(&self.config(namespace, proxy.port())?).await?;
        drop(proxy);
        Ok(Some(Arc::new(storage)))
    }

    async fn canary_texts(&self, canary: &str) -> Vec<String> {
        canaries::texts(self.server, canary).await
    }

    fn round_trips(&self) -> Option<u64> {
        Some(self.proxy.round_trips())
    }

    fn worker_env(&self) -> Vec<(String, String)> {
        self.server.worker_env()
    }
}

conformance!(PostgresFactory::new());
