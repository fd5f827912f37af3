//! The suite's way to a sealed storage.

use std::sync::Arc;

use async_trait::async_trait;
use certstore_conformance::Factory;
use certstore_core::{Result, Storage};
use certstore_layers::seal::{Keyset, ResealOptions, SealOptions, SealedStorage, reseal};

/// All processes of a run share it. A made-up key, which seals nothing else.
const KEYSET: &str = r#"{"primaryKeyId":7,"key":[{"keyData":{"typeUrl":"type.googleapis.com/google.crypto.tink.AesGcmKey","value":"GiAAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw==","keyMaterialType":"SYMMETRIC"},"status":"ENABLED","keyId":7,"outputPrefixType":"TINK"}]}"#;

/// A factory over another one's storages.
pub(crate) struct SealedFactory<F> {
    pub(crate) name: &'static str,
    pub(crate) inner: F,
    /// Whether stores are marked as wholly sealed, so that sizes are told.
    pub(crate) marked: bool,
}

fn keyset() -> Keyset {
    Keyset::from_json(KEYSET.as_bytes()).expect("the keyset of the tests is one")
}

#[async_trait]
impl<F: Factory> Factory for SealedFactory<F> {
    fn name(&self) -> &str {
        self.name
    }

    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>> {
        let inner = self.inner.open(namespace).await?;
        let storage = SealedStorage::open(inner, keyset(), SealOptions::default()).await?;
        if self.marked {
            reseal(&storage, &ResealOptions::default(), |_| {}).await?;
        }
        Ok(Arc::new(storage))
    }

    async fn remove(&self, namespace: &str) -> Result<()> {
        self.inner.remove(namespace).await
    }

    async fn open_faulty(&self, namespace: &str) -> Result<Option<Arc<dyn Storage>>> {
        let Some(inner) = self.inner.open_faulty(namespace).await? else { return Ok(None) };
        Ok(Some(Arc::new(SealedStorage::new(inner, keyset(), SealOptions::default()))))
    }

    /// What opens everything must show nowhere.
    fn canaries(&self) -> Vec<String> {
        let mut canaries = self.inner.canaries();
        canaries.push("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8".to_owned());
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
