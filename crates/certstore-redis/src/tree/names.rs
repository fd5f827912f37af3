//! How things are named in Redis.

use certstore_core::Key;

/// The names of one storage. All carry the hash tag `{prefix}`, so a cluster keeps them on one node, and one script can
/// reach them all.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    tag: String,
    db: i64,
}

impl Names {
    pub(crate) fn new(prefix: &str, db: i64) -> Self {
        Self { tag: format!("{{{prefix}}}"), db }
    }

    /// The sorted set of all keys and directories.
    pub(crate) fn index(&self) -> String {
        format!("{}:index", self.tag)
    }

    /// What the names of values begin with.
    pub(crate) fn values(&self) -> String {
        format!("{}:value:", self.tag)
    }

    /// The string of a value.
    pub(crate) fn value(&self, key: &Key) -> String {
        format!("{}:value:{key}", self.tag)
    }

    /// What the names of lock records begin with.
    pub(crate) fn locks(&self) -> String {
        format!("{}:lock:", self.tag)
    }

    /// The hash of a lock's record.
    pub(crate) fn lock(&self, name: &str) -> String {
        format!("{}:lock:{name}", self.tag)
    }

    /// The sorted set of the names of locks, by their last use.
    pub(crate) fn lock_names(&self) -> String {
        format!("{}:locks", self.tag)
    }

    /// The identity of the locks.
    pub(crate) fn id(&self) -> String {
        format!("{}:id", self.tag)
    }

    /// Which server process wrote last, for the grace after a restart.
    pub(crate) fn server(&self) -> String {
        format!("{}:server", self.tag)
    }

    /// The channel of changes. Channels know no databases, so the number is part of the name.
    pub(crate) fn changes(&self) -> String {
        format!("{}:changes:{}", self.tag, self.db)
    }

    /// The channel of releases.
    pub(crate) fn releases(&self) -> String {
        format!("{}:releases:{}", self.tag, self.db)
    }
}
