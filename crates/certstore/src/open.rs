//! From a config to a storage.

use std::sync::Arc;

use certstore_core::{Error, ErrorKind, MemoryConfig, MemoryStorage, Result, Storage};

use crate::config::Settings;
use crate::{Config, Environment, WithLocker};

/// Opens the storage that `config` describes, with the locks of `[storage.lock]` and sealed as `[storage.seal]` says, where
/// it has them.
///
/// Each call on a `memory` config gives an empty storage of its own.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) for settings that the backend refuses, and for a keyset
/// that is missing or none. [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt): the store is sealed under another keyset.
/// Else of the backend: it cannot be reached, or may not be used.
///
/// # Cancel safety
/// Dropped, nothing stays open; a directory may have been created.
///
/// ```
/// use certstore::{Config, open};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore::Error> {
/// let storage = open(&Config::from_url("memory:")?).await?;
/// storage.store(&"a/b".parse()?, b"value").await?;
/// # Ok(()) }
/// ```
pub async fn open(config: &Config) -> Result<Arc<dyn Storage>> {
    let unsealed = open_unsealed(config).await?;
    #[cfg(feature = "seal")]
    if let Some(seal) = &config.seal {
        return Ok(Arc::new(crate::sealed::open_over(unsealed, seal).await?));
    }
    Ok(unsealed)
}

/// The storage and its locks, without the layer that seals.
pub(crate) async fn open_unsealed(config: &Config) -> Result<Arc<dyn Storage>> {
    let values = open_backend(&config.storage).await?;
    match &config.lock {
        None => Ok(values),
        Some(lock) => Ok(Arc::new(WithLocker::new(values, open_backend(lock).await?))),
    }
}

/// Opens the storage that a URL describes.
///
/// # Errors
/// As [`Config::from_url`] and [`open`].
///
/// # Cancel safety
/// As [`open`].
pub async fn open_url(url: &str) -> Result<Arc<dyn Storage>> {
    open(&Config::from_url(url)?).await
}

/// Opens the default storage of this user: `$XDG_DATA_HOME/certstore`, else `~/.local/share/certstore`, or what the
/// platform has in their place. Config files and `CERTSTORE_*` play no part; [`Config::discover`] reads them.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) when there is no home directory; else as [`open`].
///
/// # Cancel safety
/// As [`open`].
pub async fn default_storage() -> Result<Arc<dyn Storage>> {
    open(&Config::at_default(&Environment::of_process())?).await
}

pub(crate) async fn open_backend(settings: &Settings) -> Result<Arc<dyn Storage>> {
    match settings.backend().name {
        #[cfg(all(unix, feature = "fs"))]
        "fs" => open_fs(settings),
        "memory" => open_memory(settings),
        other => crate::services::open(settings).await?.ok_or_else(|| {
            Error::new(ErrorKind::InvalidConfig, format!("this build has no backend \"{other}\""))
        }),
    }
}

fn open_memory(settings: &Settings) -> Result<Arc<dyn Storage>> {
    let mut config = MemoryConfig::default();
    if let Some(lease) = settings.duration("lease") {
        config.lease = lease;
    }
    if let Some(handovers) = settings.number("handovers") {
        config.handovers = u32::try_from(handovers).unwrap_or(u32::MAX);
    }
    config.max_value = settings.number("max_value");
    Ok(Arc::new(MemoryStorage::with_config(config)?))
}

#[cfg(all(unix, feature = "fs"))]
fn open_fs(settings: &Settings) -> Result<Arc<dyn Storage>> {
    use certstore_fs::{FsConfig, FsStorage, Io};
    let root = match settings.path("path") {
        Some(path) => path.to_owned(),
        None => Environment::of_process().default_storage().ok_or_else(crate::config::no_home)?,
    };
    let io = if settings.text("io") == Some("pool") { Io::Pool } else { Io::Inline };
    let config =
        FsConfig::new(root).with_io(io).with_create(settings.flag("create").unwrap_or(true));
    Ok(Arc::new(FsStorage::open(&config)?))
}

#[cfg(test)]
#[path = "open_tests.rs"]
mod tests;
