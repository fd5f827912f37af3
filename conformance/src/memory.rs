//! The factory of the memory backend: the example for others, and the suite's own test.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use certstore_core::{MemoryConfig, MemoryStorage, Result, Storage};

use crate::Factory;

/// Opens memory storages with a lease of one second; a namespace lives as long as the factory.
///
/// ```
/// certstore_conformance::conformance!(certstore_conformance::MemoryFactory::new());
/// # fn main() {}
/// ```
#[derive(Debug, Clone, Default)]
pub struct MemoryFactory {
    namespaces: Arc<Mutex<Namespaces>>,
}

#[derive(Debug, Default)]
struct Namespaces {
    open: HashMap<String, MemoryStorage>,
    /// Round trips of the namespaces that were removed.
    past: u64,
}

impl MemoryFactory {
    /// A factory without namespaces.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A client of `namespace`.
    ///
    /// # Errors
    /// Of [`MemoryStorage::with_config`].
    pub fn client(&self, namespace: &str) -> Result<MemoryStorage> {
        let mut namespaces = self.namespaces();
        if let Some(storage) = namespaces.open.get(namespace) {
            return Ok(storage.handle());
        }
        let mut config = MemoryConfig::default();
        config.lease = Duration::from_secs(1);
        let storage = MemoryStorage::with_config(config)?;
        let client = storage.handle();
        namespaces.open.insert(namespace.to_owned(), storage);
        Ok(client)
    }

    fn namespaces(&self) -> MutexGuard<'_, Namespaces> {
        self.namespaces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Factory for MemoryFactory {
    fn name(&self) -> &str {
        "memory"
    }

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        Ok(Arc::new(self.client(namespace)?))
    }

    async fn remove(&self, namespace: &str) -> Result<()> {
        let mut namespaces = self.namespaces();
        if let Some(storage) = namespaces.open.remove(namespace) {
            namespaces.past += storage.round_trips();
        }
        Ok(())
    }

    fn round_trips(&self) -> Option<u64> {
        let namespaces = self.namespaces();
        Some(
            namespaces.past + namespaces.open.values().map(MemoryStorage::round_trips).sum::<u64>(),
        )
    }
}
