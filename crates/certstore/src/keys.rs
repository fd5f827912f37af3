//! Keysets where a config says that they are.

use certstore_core::Result;
use certstore_layers::seal::{EnvironmentKeys, FileKeys, KeyProvider, Keyset};

use crate::config::KeysetPlace;

/// The keyset as it is now.
///
/// # Errors
/// As [`KeyProvider::keyset`].
pub(crate) async fn keyset(place: &KeysetPlace) -> Result<Keyset> {
    match place {
        KeysetPlace::File(path) => FileKeys::new(path).keyset().await,
        KeysetPlace::Variable(name) => EnvironmentKeys::new(name).keyset().await,
    }
}
