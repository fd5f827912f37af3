//! The factory of a layer: a storage over the storages of another factory.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use certstore_core::{Result, Storage};
use futures_util::future::BoxFuture;

use crate::Factory;

/// Opens a layer over what another factory opens; each client has a layer of its own.
///
/// ```
/// use std::sync::Arc;
/// use certstore_conformance::{Factory, Layered, MemoryFactory};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> certstore_core::Result<()> {
/// // A layer that does nothing.
/// let factory = Layered::new("nothing over memory", MemoryFactory::new(), |inner| {
///     Box::pin(async move { Ok(inner) })
/// });
/// assert_eq!(factory.open("doc").await?.backend(), "memory");
/// # Ok(()) }
/// ```
pub struct Layered<F, L> {
    name: &'static str,
    inner: F,
    layer: L,
    canaries: Vec<String>,
}

impl<F, L> Layered<F, L>
where
    F: Factory,
    L: Fn(Arc<dyn Storage>) -> BoxFuture<'static, Result<Arc<dyn Storage>>> + Send + Sync + 'static,
{
    /// What `layer` makes of the storages of `inner`; `name` stands in the report.
    pub fn new(name: &'static str, inner: F, layer: L) -> Self {
        Self { name, inner, layer, canaries: Vec::new() }
    }

    /// Adds a secret that the layer is made with.
    #[must_use]
    pub fn with_canary(mut self, canary: impl Into<String>) -> Self {
        self.canaries.push(canary.into());
        self
    }
}

impl<F: Factory, L> fmt::Debug for Layered<F, L> {
    /// Without the canaries: they stand for secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layered")
            .field("name", &self.name)
            .field("inner", &self.inner.name())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<F, L> Factory for Layered<F, L>
where
    F: Factory,
    L: Fn(Arc<dyn Storage>) -> BoxFuture<'static, Result<Arc<dyn Storage>>> + Send + Sync + 'static,
{
    fn name(&self) -> &str {
        self.name
    }

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        (self.layer)(self.inner.open(namespace).await?).await
    }

    async fn remove(&self, namespace: &str) -> Result<()> {
        self.inner.remove(namespace).await
    }

    async fn open_faulty(&self, namespace: &str) -> Result<Option<Arc<dyn Storage>>> {
        match self.inner.open_faulty(namespace).await? {
            Some(faulty) => Ok(Some((self.layer)(faulty).await?)),
            None => Ok(None),
        }
    }

    fn canaries(&self) -> Vec<String> {
        let mut canaries = self.inner.canaries();
        canaries.extend(self.canaries.iter().cloned());
        canaries
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

    fn unproven(&self, clause: &str) -> Option<&'static str> {
        self.inner.unproven(clause)
    }

    fn worker_env(&self) -> Vec<(String, String)> {
        self.inner.worker_env()
    }
}
