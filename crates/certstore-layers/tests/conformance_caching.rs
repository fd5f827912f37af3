//! The contract, on the caching store with a local copy: over memory, over memory with the copy in a storage, and over
//! PostgreSQL.

#[path = "../../certstore-postgres/tests/support/mod.rs"]
mod support;

use std::sync::Arc;

use async_trait::async_trait;
use certstore_conformance::{Factory, MemoryFactory};
use certstore_core::{MemoryStorage, Result, Storage};
use certstore_layers::caching::{CachingOptions, CachingStore, CopyOptions};

/// Opens caching stores over the storages of another factory. Each client has a copy of its own.
struct Cached<F> {
    name: &'static str,
    inner: F,
    in_storage: bool,
}

impl<F> Cached<F> {
    async fn over(&self, backing: Arc<dyn Storage>) -> Result<Arc<dyn Storage>> {
        let mut copy = CopyOptions::new();
        if self.in_storage {
            copy = copy.storage(Arc::new(MemoryStorage::new()));
        }
        let options = CachingOptions::new().copy(copy);
        let store = CachingStore::open(Arc::new(MemoryStorage::new()), backing, &options).await?;
        Ok(Arc::new(store))
    }
}

#[async_trait]
impl<F: Factory> Factory for Cached<F> {
    fn name(&self) -> &str {
        self.name
    }

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        self.over(self.inner.open(namespace).await?).await
    }

    async fn remove(&self, namespace: &str) -> Result<()> {
        self.inner.remove(namespace).await
    }

    async fn open_faulty(&self, namespace: &str) -> Result<Option<Arc<dyn Storage>>> {
        match self.inner.open_faulty(namespace).await? {
            Some(faulty) => Ok(Some(self.over(faulty).await?)),
            None => Ok(None),
        }
    }

    fn canaries(&self) -> Vec<String> {
        self.inner.canaries()
    }

    async fn canary_texts(&self, canary: &str) -> Vec<String> {
        self.inner.canary_texts(canary).await
    }

    fn round_trips(&self) -> Option<u64> {
        self.inner.round_trips()
    }

    fn lock_round_trips(&self) -> u64 {
        self.inner.lock_round_trips()
    }

    fn worker_env(&self) -> Vec<(String, String)> {
        self.inner.worker_env()
    }
}

mod memory {
    use super::{Cached, MemoryFactory};

    fn factory() -> Cached<MemoryFactory> {
        Cached { name: "caching memory", inner: MemoryFactory::new(), in_storage: false }
    }

    certstore_conformance::conformance!(factory());
    certstore_conformance::history!(factory());
}

mod memory_in_storage {
    use super::{Cached, MemoryFactory};

    fn factory() -> Cached<MemoryFactory> {
        Cached { name: "caching memory in storage", inner: MemoryFactory::new(), in_storage: true }
    }

    certstore_conformance::conformance!(factory());
    certstore_conformance::history!(factory());
}

mod postgres {
    use certstore_conformance::servers::PostgresServer;

    use super::Cached;
    use super::support::factory::{PostgresFactory, Variant};

    const PLAIN: Variant =
        Variant { name: "postgres", port: PostgresServer::port, options: &[], env: Vec::new };

    fn factory() -> Cached<PostgresFactory> {
        let inner = PostgresFactory::new(PLAIN);
        Cached { name: "caching postgres", inner, in_storage: false }
    }

    certstore_conformance::conformance!(factory());
    certstore_conformance::history!(factory());
}
