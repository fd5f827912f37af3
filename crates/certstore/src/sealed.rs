//! Opening what `[storage.seal]` says.

use std::sync::Arc;

use certstore_core::{Error, ErrorKind, Result, Storage};
use certstore_layers::seal::{SealOptions, SealedStorage};

use crate::Config;
use crate::config::SealSettings;
use crate::keys::keyset;

/// Opens the storage that `config` describes, as the layer that seals it: for [`reseal`](crate::seal::reseal) and the
/// like. [`open`](crate::open) gives the same as any storage.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`]: there is no `[storage.seal]`, or its keyset is missing or none.
/// [`ErrorKind::Corrupt`]: the store is sealed under another keyset. Else as [`open`](crate::open).
///
/// # Cancel safety
/// As [`open`](crate::open).
pub async fn open_sealed(config: &Config) -> Result<SealedStorage> {
    let seal = config.seal.as_ref().ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidConfig,
            "the config has no section [storage.seal]: write one with the keyset",
        )
    })?;
    open_over(crate::open::open_unsealed(config).await?, seal).await
}

/// The layer of `[storage.seal]` over what keeps the sealed values.
pub(crate) async fn open_over(
    inner: Arc<dyn Storage>,
    seal: &SealSettings,
) -> Result<SealedStorage> {
    SealedStorage::open(inner, keyset(&seal.keys).await?, options(seal)?).await
}

/// The options of the layer, checked.
pub(crate) fn options(seal: &SealSettings) -> Result<SealOptions> {
    let mut options = SealOptions::default();
    options.accept_plaintext = seal.accept_plaintext;
    options.store_id = seal.store_id.as_deref().map(str::parse).transpose()?;
    Ok(options)
}
