//! From a config to a storage.

use std::sync::Arc;

use certstore_core::{Error, ErrorKind, MemoryConfig, MemoryStorage, Result, Storage};

use futures_util::future::BoxFuture;

use crate::config::{self, Settings};
use crate::{Config, Environment, PrefixStorage, ReadOnlyStorage, TraceStorage, WithLocker};

/// Opens the storage that `config` describes.
///
/// From the backend up: `prefix` where the backend has none itself, the locks of `[storage.lock]`, `read_only`, the seal of
/// `[storage.seal]`, the copy of `[storage.cache]`, and spans of `tracing` ([`TraceStorage`]). So locks and conditional
/// writes always go to the backend, nothing above `read_only` can write, and the copy has values as the caller reads them.
///
/// Each call on a `memory` config gives an empty storage of its own.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) for settings that the backend refuses, and for a keyset
/// that is missing or none. [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt): the store is sealed under another keyset.
/// Else of the backend: it cannot be reached, or may not be used. With a `path` and a keyset in `[storage.cache]`, a
/// backend that cannot be reached is no error: what is in the copy is served, and each call that needs the backend tries
/// again.
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
    #[cfg(feature = "cache")]
    if let Some(cache) = &config.cache {
        return Ok(traced(crate::cached::open_over_backend(config, cache).await?));
    }
    Ok(traced(open_uncached(config).await?))
}

fn traced(storage: Arc<dyn Storage>) -> Arc<dyn Storage> {
    Arc::new(TraceStorage::new(storage))
}

/// All but the copy and the spans.
pub(crate) fn open_uncached(config: &Config) -> BoxFuture<'_, Result<Arc<dyn Storage>>> {
    // A type of its own, so that those of callers stay shallow: opening is deep in the drivers.
    Box::pin(async { layers_over(open_backend(&config.storage).await?, config).await })
}

/// The layers of `config` over its backend: all but the copy.
pub(crate) async fn layers_over(
    values: Arc<dyn Storage>,
    config: &Config,
) -> Result<Arc<dyn Storage>> {
    let unsealed = locked_over(values, config).await?;
    #[cfg(feature = "seal")]
    if let Some(seal) = &config.seal {
        return Ok(Arc::new(crate::sealed::open_over(unsealed, seal).await?));
    }
    Ok(unsealed)
}

/// The storage and its locks, without the layer that seals.
#[cfg(feature = "seal")]
pub(crate) async fn open_unsealed(config: &Config) -> Result<Arc<dyn Storage>> {
    locked_over(open_backend(&config.storage).await?, config).await
}

async fn locked_over(values: Arc<dyn Storage>, config: &Config) -> Result<Arc<dyn Storage>> {
    let locked: Arc<dyn Storage> = match &config.lock {
        None => values,
        Some(lock) => Arc::new(WithLocker::new(values, open_backend(lock).await?)),
    };
    if config.is_read_only() { Ok(Arc::new(ReadOnlyStorage::new(locked))) } else { Ok(locked) }
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

/// The backend, below its prefix.
pub(crate) async fn open_backend(settings: &Settings) -> Result<Arc<dyn Storage>> {
    let opening: BoxFuture<'_, Result<Arc<dyn Storage>>> = Box::pin(open_bare(settings));
    below_prefix(opening.await?, settings)
}

/// What is opened of `settings`, below the prefix that its backend has no way for.
pub(crate) fn below_prefix(
    storage: Arc<dyn Storage>,
    settings: &Settings,
) -> Result<Arc<dyn Storage>> {
    Ok(match config::directory(settings)? {
        Some(directory) => Arc::new(PrefixStorage::new(storage, directory)),
        None => storage,
    })
}

async fn open_bare(settings: &Settings) -> Result<Arc<dyn Storage>> {
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
        None => Environment::of_process().default_storage().ok_or_else(config::no_home)?,
    };
    let io = if settings.text("io") == Some("pool") { Io::Pool } else { Io::Inline };
    let config =
        FsConfig::new(root).with_io(io).with_create(settings.flag("create").unwrap_or(true));
    Ok(Arc::new(FsStorage::open(&config)?))
}

#[cfg(test)]
#[path = "open_tests.rs"]
mod tests;
