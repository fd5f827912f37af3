//! The factory of a broken store.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use certstore_core::{Result, Storage};

use super::fault::{Fault, Handle};
use super::store::BrokenStorage;
use crate::{Factory, MemoryFactory};

/// Opens memory storages with one fault.
pub struct BrokenFactory {
    clause: &'static str,
    memory: MemoryFactory,
    fault: Arc<dyn Fault>,
    clients: AtomicU64,
}

impl BrokenFactory {
    pub(super) fn new(clause: &'static str, fault: Arc<dyn Fault>) -> Self {
        Self { clause, memory: MemoryFactory::new(), fault, clients: AtomicU64::new(0) }
    }

    fn client(&self, namespace: &str, fault: Arc<dyn Fault>) -> Result<Arc<dyn Storage>> {
        let at = Handle {
            inner: self.memory.client(namespace)?,
            id: self.clients.fetch_add(1, Ordering::Relaxed),
            namespace: namespace.into(),
        };
        Ok(Arc::new(BrokenStorage { at, fault }))
    }
}

impl fmt::Debug for BrokenFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrokenFactory").field("clause", &self.clause).finish_non_exhaustive()
    }
}

#[async_trait]
impl Factory for BrokenFactory {
    fn name(&self) -> &str {
        self.clause
    }

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        self.client(namespace, self.fault.clone())
    }

    async fn remove(&self, namespace: &str) -> Result<()> {
        self.memory.remove(namespace).await?;
        self.fault.removed(namespace);
        Ok(())
    }

    async fn open_faulty(&self, namespace: &str) -> Result<Option<Arc<dyn Storage>>> {
        self.fault.faulty().map(|fault| self.client(namespace, fault)).transpose()
    }

    async fn canary_texts(&self, canary: &str) -> Vec<String> {
        self.fault.canary_texts(canary)
    }

    fn round_trips(&self) -> Option<u64> {
        self.fault.round_trips(self.memory.round_trips())
    }
}
