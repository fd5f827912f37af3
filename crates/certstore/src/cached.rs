//! Opening what `[storage.cache]` says.

use std::sync::Arc;

use certstore_core::{Result, Storage};
use certstore_layers::caching::{CachingOptions, CachingStore, CopyOptions, Freshness};

use crate::Config;
use crate::config::CacheSettings;

/// Opens the storage that `config` describes as a caching store by autocert's names, too: what belongs to one host alone
/// lies in `local`, everything else in the storage of `config`.
///
/// As a [`Storage`] it is what [`open`](crate::open) gives, without its spans. The options of autocert's form stand in
/// `[storage.cache]`, too; without that section there is no copy, and account keys stay local.
///
/// Must be called inside a tokio runtime.
///
/// # Errors
/// As [`open`](crate::open).
///
/// # Cancel safety
/// As [`open`](crate::open).
///
/// ```
/// use std::sync::Arc;
/// use certstore::caching::Cache;
/// use certstore::{Config, MemoryStorage, open_cache};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config = Config::from_toml(
///     "[storage]\nbackend = \"memory\"\n[storage.cache]\nsave_account_key = \"fleet-account\"",
/// )?;
/// // On a host: the files of a directory, which no other host sees.
/// let local = Arc::new(MemoryStorage::new());
/// let cache = open_cache(&config, local.clone()).await?;
/// cache.put("example.com", b"certificate and key").await?;
/// cache.put("token+http-01", b"of this host").await?;
/// assert_eq!(cache.get("example.com").await?.as_ref(), b"certificate and key");
/// assert!(local.exists(&"token+http-01".parse()?).await?);
/// # use certstore::Storage;
/// # Ok(()) }
/// ```
pub async fn open_cache(config: &Config, local: Arc<dyn Storage>) -> Result<CachingStore> {
    let readonly = config.is_read_only();
    match &config.cache {
        Some(cache) => open_over(config, cache, local, readonly).await,
        None => {
            let backing = crate::open::open_uncached(config).await?;
            CachingStore::open(local, backing, &CachingOptions::new().readonly(readonly)).await
        }
    }
}

/// The storage with its copy before it.
pub(crate) async fn open_over_backend(
    config: &Config,
    cache: &CacheSettings,
) -> Result<Arc<dyn Storage>> {
    // As a storage it has no local part: a key means the same on every host.
    let local = Arc::new(certstore_core::MemoryStorage::new());
    // What is to read only is so beneath the copy, with the contract's own errors.
    Ok(Arc::new(open_over(config, cache, local, false).await?))
}

async fn open_over(
    config: &Config,
    cache: &CacheSettings,
    local: Arc<dyn Storage>,
    readonly: bool,
) -> Result<CachingStore> {
    let (backing, copy) = match &cache.path {
        None => (crate::open::open_uncached(config).await?, None),
        Some(path) => on_disk(config, cache, path).await?,
    };
    CachingStore::open(local, backing, &options(cache, copy).readonly(readonly)).await
}

fn options(cache: &CacheSettings, storage: Option<Arc<dyn Storage>>) -> CachingOptions {
    let mut copy = CopyOptions::new();
    if let Some(entries) = cache.max_entries {
        copy = copy.max_entries(entries);
    }
    if let Some(bytes) = cache.max_bytes {
        copy = copy.max_bytes(bytes);
    }
    if let Some(age) = cache.max_age {
        copy = copy.freshness(Freshness::MaxAge(age));
    }
    if let Some(limit) = cache.stale_limit {
        copy = copy.stale_limit(limit);
    }
    if let Some(interval) = cache.retry_interval {
        copy = copy.retry_interval(interval);
    }
    if let Some(storage) = storage {
        copy = copy.storage(storage);
    }
    let mut options = CachingOptions::new().share_rsa(cache.share_rsa).copy(copy);
    if let Some(name) = &cache.save_account_key {
        options = options.save_account_key(name);
    }
    if let Some(wait) = cache.lock_wait {
        options = options.lock_wait(wait);
    }
    options
}

/// The storage, opened now or when it answers, and the copy in `path`.
#[cfg(all(unix, feature = "fs"))]
async fn on_disk(
    config: &Config,
    cache: &CacheSettings,
    path: &std::path::Path,
) -> Result<(Arc<dyn Storage>, Option<Arc<dyn Storage>>)> {
    use certstore_layers::seal::{SealOptions, SealedStorage};
    let files = Arc::new(certstore_fs::FsStorage::open(&certstore_fs::FsConfig::new(path))?);
    let (keyset, backing) = match keys(config, cache) {
        Some(place) => (crate::keys::keyset(place).await?, crate::late::open(config).await?),
        // There is nothing to serve from a copy that nobody can open.
        None => (new_key(&*files).await?, crate::open::open_uncached(config).await?),
    };
    let copy: Arc<dyn Storage> =
        Arc::new(SealedStorage::new(files, keyset, SealOptions::default()));
    Ok((backing, Some(copy)))
}

/// The keyset of the copy: its own, else the storage's.
#[cfg(all(unix, feature = "fs"))]
fn keys<'a>(
    config: &'a Config,
    cache: &'a CacheSettings,
) -> Option<&'a crate::config::KeysetPlace> {
    cache.keys.as_ref().or(config.seal.as_ref().map(|seal| &seal.keys))
}

/// A keyset that ends with this process, and no copies: nobody can open what an earlier process has left.
#[cfg(all(unix, feature = "fs"))]
async fn new_key(files: &dyn Storage) -> Result<certstore_layers::seal::Keyset> {
    use certstore_layers::caching::COPIES;
    use certstore_layers::seal::{Algorithm, Keyset, OutputPrefix};
    files.delete(&certstore_core::Key::new(COPIES)?).await?;
    Keyset::create(Algorithm::Aes256Gcm, OutputPrefix::Tink)
}

#[cfg(not(all(unix, feature = "fs")))]
async fn on_disk(
    _: &Config,
    cache: &CacheSettings,
    _: &std::path::Path,
) -> Result<(Arc<dyn Storage>, Option<Arc<dyn Storage>>)> {
    let _ = &cache.keys;
    Err(certstore_core::Error::new(
        certstore_core::ErrorKind::InvalidConfig,
        "this build cannot keep a copy in files; build it with the feature \"fs\", or remove \"path\" from [storage.cache]",
    ))
}
