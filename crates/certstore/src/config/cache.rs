//! The section `[storage.cache]`: the local copy that outlives an outage.

use std::path::{Path, PathBuf};
use std::time::Duration;

use certstore_core::{Key, Result};

use super::draft::Section;
use super::layer::Values;
use super::seal::{KeysetPlace, key};
use super::table::{ConfigKey, Kind};
use super::value::{Settings, invalid};

const NAME: &str = "storage.cache";

/// The keys of `[storage.cache]`, in the order of the docs.
pub const CACHE_KEYS: &[ConfigKey] = &[
    key(
        "path",
        Kind::Path,
        "none: in memory",
        "The directory of the copy, for one process at a time. With a keyset, the copy outlives the process, and serves one that starts while the storage is down.",
    ),
    key(
        "keyset",
        Kind::Path,
        "that of `[storage.seal]`, else a key that ends with the process",
        "The file with the keyset that seals the copy in `path`: private keys lie in it.",
    ),
    key(
        "keyset_env",
        Kind::Text,
        "none",
        "The name of the variable that holds that keyset, in the place of a file.",
    ),
    key(
        "max_entries",
        Kind::Number,
        "10000",
        "How many values are kept at most; those used least recently go first.",
    ),
    ConfigKey {
        unit: "bytes",
        ..key(
            "max_bytes",
            Kind::Number,
            "67108864",
            "How many bytes of values and keys are kept at most.",
        )
    },
    key(
        "max_age",
        Kind::Duration,
        "0s: every load asks",
        "How old a value may be to be given without asking the storage whether it is still the same; then a load may miss a store of another host for this long.",
    ),
    key(
        "stale_limit",
        Kind::Duration,
        "24h",
        "For how long after the storage last confirmed a value that value is served while the storage does not answer; 0s is not at all.",
    ),
    key(
        "retry_interval",
        Kind::Duration,
        "1s",
        "How often a storage that does not answer is asked again; other loads are served meanwhile without waiting for its time-out.",
    ),
    key(
        "save_account_key",
        Kind::Text,
        "none: account keys stay local",
        "By autocert's names only (`certstore::open_cache`): the key that ACME account keys are saved as in the storage, so that all hosts use one account.",
    ),
    key(
        "share_rsa",
        Kind::Flag,
        "false",
        "By autocert's names only: whether RSA certificates (`+rsa`) are kept in the storage as the others are.",
    ),
    key(
        "lock_wait",
        Kind::Duration,
        "2m",
        "By autocert's names only: how long the lock of a name is waited for.",
    ),
];

/// The section `[storage.cache]`, checked. What is not given has its default.
#[cfg_attr(not(feature = "cache"), expect(dead_code, reason = "read by the layer alone"))]
#[derive(Debug, Clone, Default)]
pub(crate) struct CacheSettings {
    pub(crate) path: Option<PathBuf>,
    pub(crate) keys: Option<KeysetPlace>,
    pub(crate) max_entries: Option<usize>,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) max_age: Option<Duration>,
    pub(crate) stale_limit: Option<Duration>,
    pub(crate) retry_interval: Option<Duration>,
    pub(crate) save_account_key: Option<String>,
    pub(crate) share_rsa: bool,
    pub(crate) lock_wait: Option<Duration>,
}

impl CacheSettings {
    pub(super) fn read(section: &Section, base: Option<&Path>) -> Result<Self> {
        let mut values = Values::read(section, CACHE_KEYS, NAME, base)?;
        let keys = KeysetPlace::read(&mut values, NAME)?;
        let path = values.path("path");
        if keys.is_some() && path.is_none() {
            return Err(invalid(
                "the keyset in [storage.cache] seals the copy in \"path\"; name the directory, or remove the keyset: a copy in memory is not sealed",
            ));
        }
        for limit in ["max_entries", "max_bytes"] {
            if values.is_zero(limit) {
                return Err(invalid(format!(
                    "\"{limit}\" in [storage.cache] is to be at least 1; remove the section to keep no copy"
                )));
            }
        }
        let save_account_key = values.text("save_account_key");
        if let Some(name) = &save_account_key {
            Key::new(name).map_err(|error| {
                invalid("\"save_account_key\" in [storage.cache] is to be a key").with_source(error)
            })?;
        }
        Ok(Self {
            path,
            keys,
            max_entries: values
                .number("max_entries")
                .map(|entries| usize::try_from(entries).unwrap_or(usize::MAX)),
            max_bytes: values.number("max_bytes"),
            max_age: values.duration("max_age").filter(|age| !age.is_zero()),
            stale_limit: values.duration("stale_limit"),
            retry_interval: values.duration("retry_interval"),
            save_account_key,
            share_rsa: values.flag("share_rsa").unwrap_or(false),
            lock_wait: values.duration("lock_wait"),
        })
    }

    /// Refuses a copy that lies among the values or locks themselves, where lists would show it.
    pub(super) fn check_apart<'a>(
        &self,
        sections: impl IntoIterator<Item = &'a Settings>,
    ) -> Result<()> {
        let Some(copy) = &self.path else { return Ok(()) };
        let paths = sections.into_iter().filter_map(|settings| settings.path("path"));
        for path in paths {
            if copy.starts_with(path) || path.starts_with(copy) {
                return Err(invalid(
                    "the directories of [storage.cache] and of the storage lie within one another; give the copy a place of its own",
                ));
            }
        }
        Ok(())
    }
}
