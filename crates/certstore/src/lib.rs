#![doc = include_str!("../README.md")]

#[cfg(feature = "tools")]
pub mod archive;
#[cfg(feature = "tools")]
pub mod bench;
#[cfg(feature = "tools")]
pub mod bundle;
#[cfg(feature = "cache")]
mod cached;
#[cfg(feature = "tools")]
pub mod clean;
mod config;
#[cfg(feature = "tools")]
pub mod copy;
#[cfg(feature = "tools")]
pub mod doctor;
#[cfg(feature = "tools")]
pub mod inventory;
#[cfg(any(feature = "seal", all(unix, feature = "cache", feature = "fs")))]
mod keys;
#[cfg(all(unix, feature = "cache", feature = "fs"))]
mod late;
mod open;
#[cfg(feature = "tools")]
mod probe;
#[cfg(feature = "tools")]
mod scratch;
#[cfg(feature = "seal")]
mod sealed;
mod services;
#[cfg(feature = "tools")]
pub mod verify;
#[cfg(feature = "tools")]
pub mod watch;
mod with_locker;

#[cfg(feature = "cache")]
pub use cached::open_cache;
pub use certstore_core::options::parse_duration;
pub use certstore_core::{
    Batch, Capabilities, Cas, Change, Condition, Dir, Durability, Error, ErrorKind, Fence,
    FencingToken, Key, KeyInfo, Listing, Lock, LockInfo, LockName, Locker, LostReason,
    MemoryConfig, MemoryStorage, Result, Secret, Shared, Storage, StorageKeys, Tree, Version,
    VersionKind, Versioned, one_line, with_lock,
};
#[cfg(all(unix, feature = "fs"))]
pub use certstore_fs::{FsConfig, FsStorage, Io};
/// The caching store, by keys and by autocert's names.
#[cfg(feature = "cache")]
pub use certstore_layers::caching;
pub use certstore_layers::prefix::PrefixStorage;
pub use certstore_layers::read_only::ReadOnlyStorage;
/// Encryption at rest.
#[cfg(feature = "seal")]
pub use certstore_layers::seal;
pub use certstore_layers::stat_exact;
pub use certstore_layers::trace::TraceStorage;
pub use config::{
    BACKENDS, BackendInfo, CACHE_KEYS, CONFIG_FILE, Config, ConfigKey, ENV_CACHE_PREFIX,
    ENV_CONFIG, ENV_LOCK_PREFIX, ENV_PREFIX, ENV_SEAL_PREFIX, Environment, KEYS, Kind, SEAL_KEYS,
    config_help, config_reference,
};
pub use open::{default_storage, open, open_url};
#[cfg(feature = "tools")]
pub use scratch::remove_beneath;
#[cfg(feature = "seal")]
pub use sealed::open_sealed;
pub use services::schema;
pub use with_locker::WithLocker;
