//! The suite's way to a sealed storage.

use std::sync::Arc;

use certstore_conformance::{Factory, Layered};
use certstore_core::Storage;
use certstore_layers::seal::{Keyset, ResealOptions, SealOptions, SealedStorage, reseal};

/// All processes of a run share it. A made-up key, which seals nothing else.
const KEYSET: &str = r#"{"primaryKeyId":7,"key":[{"keyData":{"typeUrl":"type.googleapis.com/google.crypto.tink.AesGcmKey","value":"GiAAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw==","keyMaterialType":"SYMMETRIC"},"status":"ENABLED","keyId":7,"outputPrefixType":"TINK"}]}"#;

fn keyset() -> Keyset {
    Keyset::from_json(KEYSET.as_bytes()).expect("the keyset of the tests is one")
}

/// Sealed storages over those of another factory. `marked`: as wholly sealed, so that sizes are told.
pub(crate) fn sealed<F: Factory>(name: &'static str, inner: F, marked: bool) -> impl Factory {
    let layered = Layered::new(name, inner, move |inner| {
        Box::pin(async move {
            let opened = SealedStorage::open(inner.clone(), keyset(), SealOptions::default()).await;
            let storage: Arc<dyn Storage> = match opened {
                Ok(storage) => {
                    if marked {
                        reseal(&storage, &ResealOptions::default(), |_| {}).await?;
                    }
                    Arc::new(storage)
                }
                // One that fails every request cannot be looked at.
                Err(_) => Arc::new(SealedStorage::new(inner, keyset(), SealOptions::default())),
            };
            Ok(storage)
        })
    });
    // What opens everything must show nowhere.
    layered.with_canary("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
}
