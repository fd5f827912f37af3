//! What a lock is called on disk.

use certstore_core::{LockName, StorageKeys};
use ring::digest::{SHA256, digest};

/// The longest mapped name that fits a file name with `.lock` behind it: up to here Go uses the same file.
const MAX_STEM: usize = 250;

/// The longest one that also fits with everything certstore puts around it.
const MAX_OWN_STEM: usize = 200;

const LOCK_SUFFIX: &str = ".lock";

/// The files of one lock, all in the directory `locks`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    /// The name as CertMagic maps it, or what stands for one that is too long. Names with the same are one lock, and it is
    /// a name of that lock too.
    pub(super) stem: String,
    /// CertMagic's lock file.
    pub(super) lock: String,
    /// The guard file: held by `flock`, never deleted.
    pub(super) guard: String,
    /// The request to break the lock.
    pub(super) mark: String,
}

impl Names {
    /// The files of the lock `name`. Also where nothing is left of a name they have one: `.lock`, as with CertMagic.
    pub(super) fn of(name: &LockName) -> Self {
        let mapped = StorageKeys::safe(name.as_str());
        Self::of_stem(if mapped.len() > MAX_STEM { shortened(&mapped, '-') } else { mapped })
    }

    /// The names behind a file of the directory, if it is a lock file.
    pub(super) fn of_lock_file(file: &str) -> Option<Self> {
        file.strip_suffix(LOCK_SUFFIX).map(|stem| Self::of_stem(stem.to_owned()))
    }

    fn of_stem(stem: String) -> Self {
        let own = if stem.len() > MAX_OWN_STEM { shortened(&stem, '~') } else { stem.clone() };
        Self {
            lock: format!("{stem}{LOCK_SUFFIX}"),
            guard: format!(".{own}.guard"),
            mark: format!(".{own}.break~"),
            stem,
        }
    }
}

/// A name too long for a file: its start, and a digest of the whole. Behind a `~`, which no mapped name has, it is no name
/// of a lock itself.
fn shortened(name: &str, mark: char) -> String {
    let hash = digest(&SHA256, name.as_bytes());
    let start: String = name.chars().take(150).collect();
    let hex: String = hash.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{start}{mark}{hex}")
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
