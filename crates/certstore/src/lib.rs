#![doc = include_str!("../README.md")]

#[cfg(feature = "tools")]
pub mod archive;
#[cfg(feature = "tools")]
pub mod bench;
#[cfg(feature = "tools")]
pub mod bundle;
#[cfg(feature = "tools")]
pub mod clean;
mod config;
#[cfg(feature = "tools")]
pub mod copy;
#[cfg(feature = "tools")]
pub mod doctor;
#[cfg(feature = "tools")]
pub mod inventory;
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

pub use certstore_core::options::parse_duration;
pub use certstore_core::{
    Batch, Capabilities, Cas, Change, Condition, Dir, Durability, Error, ErrorKind, Fence,
    FencingToken, Key, KeyInfo, Listing, Lock, LockInfo, LockName, Locker, LostReason,
    MemoryConfig, MemoryStorage, Result, Secret, Shared, Storage, Tree, Version, VersionKind,
    Versioned, with_lock,
};
#[cfg(all(unix, feature = "fs"))]
pub use certstore_fs::{FsConfig, FsStorage, Io};
/// Encryption at rest.
#[cfg(feature = "seal")]
pub use certstore_layers::seal;
pub use config::{
    BACKENDS, BackendInfo, CONFIG_FILE, Config, ConfigKey, ENV_CONFIG, ENV_LOCK_PREFIX, ENV_PREFIX,
    ENV_SEAL_PREFIX, Environment, KEYS, Kind, SEAL_KEYS, config_help, config_reference,
};
pub use open::{default_storage, open, open_url};
#[cfg(feature = "tools")]
pub use scratch::remove_beneath;
#[cfg(feature = "seal")]
pub use sealed::open_sealed;
pub use services::schema;
pub use with_locker::WithLocker;
