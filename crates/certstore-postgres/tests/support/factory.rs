//! A database for each namespace, reached through a proxy that counts.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use certstore_conformance::Factory;
use certstore_conformance::servers::{PostgresServer, shared_postgres};
use certstore_core::{Error, ErrorKind, Result, Storage};
use certstore_postgres::{PostgresConfig, PostgresStorage};

use super::canaries;
use super::proxy::Proxy;

/// How a run differs from the plain one.
#[derive(Clone, Copy)]
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    /// The port that clients connect to, of the server or of what stands before it.
    pub(crate) port: fn(&PostgresServer) -> u16,
    pub(crate) options: &'static [(&'static str, &'static str)],
    /// What worker processes need beside the server's port.
    pub(crate) env: fn() -> Vec<(String, String)>,
}

pub(crate) struct PostgresFactory {
    server: &'static PostgresServer,
    proxy: Proxy,
    variant: Variant,
    databases: Mutex<BTreeSet<String>>,
}

impl PostgresFactory {
    pub(crate) fn new(variant: Variant) -> Self {
        let server = shared_postgres().expect("a PostgreSQL server");
        let proxy = Proxy::start((variant.port)(server));
        Self { server, proxy, variant, databases: Mutex::default() }
    }

    /// The configuration for a database of the namespace, which is made unless it is there.
    fn config(&self, namespace: &str, port: u16) -> Result<PostgresConfig> {
        let database = format!("ns_{namespace}");
        if self.databases.lock().expect("whole").insert(database.clone()) {
            super::database(self.server, &database);
        }
        let mut config =
            PostgresConfig::from_url(&format!("postgres://postgres@127.0.0.1:{port}/{database}"))?;
        config.lease = Duration::from_secs(1);
        for (name, value) in self.variant.options {
            config.set(name, value)?;
        }
        Ok(config)
    }
}

#[async_trait]
impl Factory for PostgresFactory {
    fn name(&self) -> &str {
        self.variant.name
    }

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        let config = self.config(namespace, self.proxy.port())?;
        Ok(Arc::new(PostgresStorage::open(&config).await?))
    }

    async fn remove(&self, namespace: &str) -> Result<()> {
        let database = format!("ns_{namespace}");
        self.databases.lock().expect("whole").remove(&database);
        self.server.drop_database(&database).map_err(|error| {
            Error::new(ErrorKind::Other, "the database cannot be removed").with_source(error)
        })
    }

    /// A storage whose server has gone.
    async fn open_faulty(&self, namespace: &str) -> Result<Option<Arc<dyn Storage>>> {
        let proxy = Proxy::start((self.variant.port)(self.server));
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
        let mut env = self.server.worker_env();
        env.extend((self.variant.env)());
        env
    }
}
