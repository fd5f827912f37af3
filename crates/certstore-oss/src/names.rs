//! Object names: of lock logs, and of locks that are shared with certmagic-oss.

use certstore_core::{Error, ErrorKind, Key, Result};
use certstore_objects::{ObjectNames, mapped};

use crate::error::BACKEND;

/// The longest object name of OSS, in bytes: <https://www.alibabacloud.com/help/en/oss/user-guide/object-naming-conventions>.
pub(crate) const MAX_OBJECT: usize = 1023;

/// How the names of certmagic-oss's lock objects end.
pub(crate) const PEER_LOCK: &str = ".lock";

/// The object names under one prefix.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    /// Those that all object stores have.
    pub(crate) objects: ObjectNames,
    base: String,
    /// Whether names that end in [`PEER_LOCK`] are locks.
    peer_locks: bool,
}

impl Names {
    pub(crate) fn new(base: &str) -> Self {
        let objects = ObjectNames::new(base, MAX_OBJECT, BACKEND);
        Self { objects, base: base.to_owned(), peer_locks: false }
    }

    /// Beside locks of certmagic-oss.
    pub(crate) fn with_peer_locks(self) -> Self {
        Self { peer_locks: true, ..self }
    }

    /// The object of a value: prefix and key as they are.
    pub(crate) fn value(&self, key: &Key) -> Result<String> {
        if self.is_peer_lock(key.as_str()) {
            let message = "with lock_mode certmagic-oss a name that ends in .lock is a lock's";
            return Err(Error::new(ErrorKind::InvalidKey, message).with_key(key));
        }
        self.objects.value(key)
    }

    /// Whether it is a lock that is shared with certmagic-oss, which lie among the values.
    pub(crate) fn is_peer_lock(&self, object: &str) -> bool {
        self.peer_locks && object.ends_with(PEER_LOCK)
    }

    /// What a lock that is shared with certmagic-oss is called there: its name as it is.
    pub(crate) fn peer_lock(&self, name: &str) -> Result<String> {
        let object = format!("{}{name}{PEER_LOCK}", self.base);
        if object.starts_with(['/', '\\']) {
            let message = "with lock_mode certmagic-oss a lock's name does not begin with a slash or backslash";
            return Err(Error::new(ErrorKind::InvalidKey, message).with_backend(BACKEND));
        }
        if name.split('/').any(|part| matches!(part, "." | "..")) {
            let message = "with lock_mode certmagic-oss a lock's name has no component . or ..";
            return Err(Error::new(ErrorKind::InvalidKey, message).with_backend(BACKEND));
        }
        self.objects.fits(object)
    }

    /// What the names of all logs begin with.
    pub(crate) fn logs(&self) -> String {
        format!("{}log/", self.objects.reserved())
    }

    /// What the names of all logs of one lock begin with.
    pub(crate) fn epochs(&self, name: &str) -> String {
        format!("{}{}/", self.logs(), mapped(name))
    }

    /// A lock's log. Numbers of one length, so that the newest is the last in a list.
    pub(crate) fn log(&self, name: &str, epoch: u32) -> String {
        format!("{}{epoch:010}", self.epochs(name))
    }
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
