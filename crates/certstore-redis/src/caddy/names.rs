//! The names that the plugin gives its keys in Redis.

use certstore_core::{Dir, Error, ErrorKind, Key, LockName, MAX_LOCK_NAME, Result};

/// Where the plugin keeps its locks, below the prefix.
const LOCKS: &str = "locks";

/// What only certstore keeps lies beside the prefix: `~` is in no key, so the plugin has nothing there.
const OWN: &str = "~certstore";

/// The prefix, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    prefix: String,
}

/// One step up the tree: a directory's sorted set, and the member that leads down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) set: String,
    pub(super) member: String,
}

impl Names {
    /// Cleans `prefix` as the plugin does: without white space and slashes at its ends.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: it has an empty, `.` or `..` component, or nothing is left.
    pub(super) fn new(prefix: &str) -> Result<Self> {
        let prefix = prefix.trim().trim_matches('/');
        if prefix.is_empty() {
            return Err(invalid(
                "the layout caddy needs a prefix, since without one the plugin keeps no index of the root; \
                 set key_prefix in Caddy and prefix here, for example to \"caddy\"",
            ));
        }
        match prefix.split('/').find(|part| matches!(*part, "" | "." | "..")) {
            Some(part) => {
                Err(invalid(format!("the prefix has the component {part:?}; leave it out")))
            }
            None => Ok(Self { prefix: prefix.to_owned() }),
        }
    }

    /// Whether all keys lie in one slot of a cluster: the prefix has a hash tag.
    pub(super) fn is_one_slot(&self) -> bool {
        let tag = self.prefix.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
        tag.is_some_and(|(tag, _)| !tag.is_empty())
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The key of a value, and of the sorted set when `key` is a directory.
    pub(super) fn key(&self, key: &Key) -> String {
        format!("{}/{key}", self.prefix)
    }

    /// The key of the sorted set of `dir`.
    pub(super) fn dir(&self, dir: &Dir) -> String {
        dir.key().map_or_else(|| self.prefix.clone(), |key| self.key(key))
    }

    /// The sorted sets that lead to `key`, from the nearest up to that of the prefix's first component.
    pub(super) fn steps(&self, key: &Key) -> Vec<Step> {
        Self::steps_above(&self.key(key))
    }

    /// The sorted sets that lead to that of the prefix.
    pub(super) fn steps_of_prefix(&self) -> Vec<Step> {
        let mut steps = Self::steps_above(&self.prefix);
        if let Some(first) = steps.first_mut() {
            first.member.push('/');
        }
        steps
    }

    fn steps_above(full: &str) -> Vec<Step> {
        let mut below = full;
        let mut steps = Vec::new();
        while let Some((set, base)) = below.rsplit_once('/') {
            let slash = if steps.is_empty() { "" } else { "/" };
            steps.push(Step { set: set.to_owned(), member: format!("{base}{slash}") });
            below = set;
        }
        steps
    }

    /// A lock's name as the plugin's paths make it: `a//b/./c` is `a/b/c`.
    ///
    /// A name that would lead out of the folder of the locks, where its key could be that of a value, is one component
    /// with `%` in it; the plugin would keep such a lock elsewhere, and Caddy has none.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: it leads out, and has more than 512 bytes as one component.
    pub(super) fn clean_lock(name: &LockName) -> Result<LockName> {
        let mut path = vec![LOCKS];
        for part in name.as_str().split('/') {
            match part {
                "" | "." => {}
                // Above the prefix there is nothing to come back from.
                ".." if path.pop().is_none() => return astray(name),
                ".." => {}
                part => path.push(part),
            }
        }
        match path.split_first() {
            Some((&LOCKS, rest)) if !rest.is_empty() => LockName::new(&rest.join("/")),
            _ => astray(name),
        }
    }

    /// The plugin's key of a lock whose name is clean.
    pub(super) fn lock(&self, name: &str) -> String {
        format!("{}/{LOCKS}/{name}", self.prefix)
    }

    /// What all keys of locks begin with.
    pub(super) fn locks(&self) -> String {
        self.lock("")
    }

    /// What certstore keeps beside the prefix, by its name.
    pub(super) fn own(&self, name: &str) -> String {
        format!("{}{OWN}/{name}", self.prefix)
    }

    /// Where certstore keeps what the plugin's lock has no place for.
    pub(super) fn lock_record(&self, name: &str) -> String {
        format!("{}{OWN}/{LOCKS}/{name}", self.prefix)
    }

    /// Where certstore notes which process the server was when a lock was last taken.
    pub(super) fn server_record(&self) -> String {
        format!("{}{OWN}/server", self.prefix)
    }

    /// The channel on which certstore tells of releases.
    pub(super) fn wake_channel(&self) -> String {
        format!("{}{OWN}/wake", self.prefix)
    }
}

fn astray(name: &LockName) -> Result<LockName> {
    let mut one = String::new();
    for c in name.as_str().chars() {
        match c {
            '/' => one.push_str("%2F"),
            '.' => one.push_str("%2E"),
            '%' => one.push_str("%25"),
            other => one.push(other),
        }
    }
    LockName::new(&one).map_err(|_| {
        let message = format!(
            "the name leads out of the folder of the locks, and written as one component it has {} bytes, more than \
             {MAX_LOCK_NAME}",
            one.len()
        );
        Error::new(ErrorKind::InvalidKey, message).with_lock(name)
    })
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidConfig, message)
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
