//! How a caching store works.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use certstore_core::{Clock, OsRandom, Random, Storage, SystemClock};

/// The options of a [`CachingStore`](super::CachingStore). The default: it writes, account keys stay local, nothing is
/// copied.
///
/// ```
/// use certstore_layers::caching::{CachingOptions, CopyOptions, has_readonly_option};
/// let options = CachingOptions::new().save_account_key("fleet-account").copy(CopyOptions::new());
/// assert!(!has_readonly_option(&options));
/// ```
#[derive(Clone)]
pub struct CachingOptions {
    pub(super) readonly: bool,
    pub(super) account_key: Option<String>,
    pub(super) share_rsa: bool,
    pub(super) lock_wait: Duration,
    pub(super) copy: Option<CopyOptions>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
}

impl CachingOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self {
            readonly: false,
            account_key: None,
            share_rsa: false,
            lock_wait: Duration::from_secs(120),
            copy: None,
            clock: Arc::new(SystemClock),
            random: Arc::new(OsRandom),
        }
    }

    /// Whether the store only reads: every call that writes, locks among them, fails with
    /// [`ReadonlyCache`](super::CacheErrorKind::ReadonlyCache). Default: false.
    #[must_use]
    pub fn readonly(mut self, readonly: bool) -> Self {
        self.readonly = readonly;
        self
    }

    /// Saves ACME account keys in the backing storage, both spellings under this name, so that all hosts use one account.
    /// An empty name: they stay local, which is the default.
    #[must_use]
    pub fn save_account_key(mut self, name: impl Into<String>) -> Self {
        self.account_key = Some(name.into()).filter(|name| !name.is_empty());
        self
    }

    /// Whether RSA certificates (`+rsa`) are shared in the backing storage as the others are. Default: false.
    #[must_use]
    pub fn share_rsa(mut self, share_rsa: bool) -> Self {
        self.share_rsa = share_rsa;
        self
    }

    /// How long [`lock_name`](super::CachingStore::lock_name) waits at most. Default: 120 s.
    #[must_use]
    pub fn lock_wait(mut self, limit: Duration) -> Self {
        self.lock_wait = limit;
        self
    }

    /// Keeps a local copy of what is read from the backing storage. Default: none.
    #[must_use]
    pub fn copy(mut self, copy: CopyOptions) -> Self {
        self.copy = Some(copy);
        self
    }

    /// The clock and the source of random numbers. Default: the system's.
    #[must_use]
    pub fn parts(mut self, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        self.clock = clock;
        self.random = random;
        self
    }
}

impl Default for CachingOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CachingOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachingOptions")
            .field("readonly", &self.readonly)
            .field("account_key", &self.account_key)
            .field("share_rsa", &self.share_rsa)
            .field("lock_wait", &self.lock_wait)
            .field("copy", &self.copy)
            .finish_non_exhaustive()
    }
}

/// Whether the options make a store read-only.
#[must_use]
pub fn has_readonly_option(options: &CachingOptions) -> bool {
    options.readonly
}

/// How fresh a value from the local copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Freshness {
    /// Every load asks the backing storage whether the version is still the same, and transfers the value only when it is
    /// not: the contract's LOAD-1 holds. Where the backing storage has no versions, every load is one of the value.
    #[default]
    Validated,
    /// A load may give a value that was current up to this long ago, without asking: **LOAD-1 does not hold**. A host sees
    /// its own writes at once, those of others after a change notice where the backing storage
    /// [watches](certstore_core::Capabilities::watch), else after this time at the latest. Versioned loads still ask.
    MaxAge(Duration),
}

/// The local copy of what is read from the backing storage.
///
/// Private keys are among the values. In memory, they are wiped when they go; in a storage, seal them: give it a sealed
/// one.
#[derive(Clone)]
pub struct CopyOptions {
    pub(super) max_entries: usize,
    pub(super) max_bytes: u64,
    pub(super) stale_limit: Duration,
    pub(super) retry_interval: Duration,
    pub(super) freshness: Freshness,
    pub(super) storage: Option<Arc<dyn Storage>>,
}

impl CopyOptions {
    /// The defaults: in memory, validated, at most 10,000 values and 64 MiB, served for 24 h while the backing storage is
    /// down, which is asked once a second then.
    #[must_use]
    pub fn new() -> Self {
        Self {
            max_entries: 10_000,
            max_bytes: 64 << 20,
            stale_limit: Duration::from_secs(24 * 60 * 60),
            retry_interval: Duration::from_secs(1),
            freshness: Freshness::Validated,
            storage: None,
        }
    }

    /// How many values are kept at most; those used least recently go first.
    #[must_use]
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries;
        self
    }

    /// How many bytes of values and keys are kept at most.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// For how long after the backing storage last confirmed a value that value is served while the backing storage is
    /// [`Unavailable`](certstore_core::ErrorKind::Unavailable). Zero: not at all.
    #[must_use]
    pub fn stale_limit(mut self, limit: Duration) -> Self {
        self.stale_limit = limit;
        self
    }

    /// How often a backing storage that is down is asked again, by one load; the others are served from the copy
    /// meanwhile, without waiting for its time-out. A value may so be older than the first answer after an outage by this
    /// time. Zero: every load asks.
    #[must_use]
    pub fn retry_interval(mut self, interval: Duration) -> Self {
        self.retry_interval = interval;
        self
    }

    /// Whether loads ask before they give a value from the copy.
    #[must_use]
    pub fn freshness(mut self, freshness: Freshness) -> Self {
        self.freshness = freshness;
        self
    }

    /// Keeps the copy in this storage, below `copies/`, instead of in memory: it outlives the process, and serves one that
    /// starts while the backing storage is down. For one caching store at a time.
    #[must_use]
    pub fn storage(mut self, storage: Arc<dyn Storage>) -> Self {
        self.storage = Some(storage);
        self
    }
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CopyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyOptions")
            .field("max_entries", &self.max_entries)
            .field("max_bytes", &self.max_bytes)
            .field("stale_limit", &self.stale_limit)
            .field("retry_interval", &self.retry_interval)
            .field("freshness", &self.freshness)
            .field("storage", &self.storage.as_ref().map(|storage| storage.backend()))
            .finish()
    }
}
