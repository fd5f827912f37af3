#![doc = include_str!("../README.md")]

mod capabilities;
mod clock;
mod error;
mod forward;
mod guarded;
mod info;
pub mod journal;
mod key;
pub mod layout;
pub mod lease;
mod lock;
mod lock_name;
mod locker;
mod memory;
pub mod options;
mod random;
mod secret;
mod stamp;
mod storage;
mod text;
mod validity;

pub use capabilities::{
    Batch, Capabilities, Cas, Durability, Fence, Listing, Shared, Tree, VersionKind,
};
pub use clock::{Clock, Sleep, SystemClock};
pub use error::{Error, ErrorKind, Result};
pub use guarded::store_all_under;
pub use info::{Change, KeyInfo, LockInfo, Version, Versioned};
pub use key::{Dir, Key, MAX_COMPONENT, MAX_KEY, RESERVED};
pub use layout::StorageKeys;
pub use lock::{FencingToken, Lock, LockerId, Release};
pub use lock_name::{LockName, MAX_LOCK_NAME};
pub use locker::{Locker, with_lock};
pub use memory::{MemoryConfig, MemoryStorage};
pub use random::{OsRandom, Random};
pub use secret::Secret;
pub use storage::{Condition, Storage};
pub use text::one_line;
pub use validity::{LostReason, Standing, Validity};

#[doc(hidden)]
pub use async_trait::async_trait as __async_trait;
