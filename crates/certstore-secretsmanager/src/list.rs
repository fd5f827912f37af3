//! Lists of keys, from lists of secrets.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use certstore_core::{Dir, Error, ErrorKind, Key, KeyInfo, RESERVED, Result};

use crate::storage::Inner;

/// What a name in a list is.
#[derive(Debug, PartialEq, Eq)]
enum Name {
    Key(Key),
    /// Lock records, journals: our own and no key.
    Ours,
    /// Somebody else's.
    Foreign,
}

impl Inner {
    /// The keys in `dir`.
    pub(crate) async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        let tree = self.tree(dir).await?;
        let keys = tree.into_keys();
        if recursive {
            return Ok(keys.collect());
        }
        Ok(keys.filter(|key| key.parent() == *dir).collect())
    }

    /// All keys below `dir`, with the directories between.
    pub(crate) async fn tree(&self, dir: &Dir) -> Result<BTreeMap<Key, KeyInfo>> {
        let mut tree = BTreeMap::new();
        for (secret, changed) in self.vault.all(&self.vault.names.below(dir)).await? {
            let Some(key) = self.key_of(&secret) else { continue };
            let mut above = key.parent();
            let mut info = KeyInfo::file(key.clone());
            info.modified = changed;
            tree.insert(key, info);
            while let Some(parent) = above.key() {
                if !parent.is_below(dir) || tree.contains_key(parent) {
                    break;
                }
                tree.insert(parent.clone(), KeyInfo::directory(parent.clone()));
                above = parent.parent();
            }
        }
        if tree.is_empty() {
            self.check_dir(dir).await?;
        }
        Ok(tree)
    }

    /// An empty directory does not exist, unless it is a value or the root.
    async fn check_dir(&self, dir: &Dir) -> Result<()> {
        let Some(key) = dir.key() else { return Ok(()) };
        if self.vault.names.value(key).is_ok() && self.head(key).await?.is_some() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::NotFound, "there is no such directory"))
    }

    /// Whether any key lies below `key`.
    pub(crate) async fn has_below(&self, key: &Key) -> Result<bool> {
        let prefix = self.vault.names.below(&key.into());
        self.vault.any(&prefix, |secret| matches!(self.classify(secret), Name::Key(_))).await
    }

    /// The stored names below `dir` that are no keys, without the prefix.
    pub(crate) async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        let below = self.vault.names.below(dir);
        let listed = self.vault.all(&below).await?;
        let foreign = listed.into_keys().filter(|secret| self.classify(secret) == Name::Foreign);
        let base = self.vault.names.base();
        Ok(foreign.map(|name| name.strip_prefix(base).unwrap_or(&name).to_owned()).collect())
    }

    /// The key of a listed secret, unless it is none.
    fn key_of(&self, secret: &str) -> Option<Key> {
        match self.classify(secret) {
            Name::Key(key) => Some(key),
            Name::Ours => None,
            Name::Foreign => {
                self.warn_foreign(secret);
                None
            }
        }
    }

    fn classify(&self, secret: &str) -> Name {
        let Some(name) = self.vault.names.relative(secret) else { return Name::Foreign };
        if name.strip_prefix(RESERVED).is_some_and(|rest| rest.starts_with('/')) {
            return Name::Ours;
        }
        Key::new(name).map_or(Name::Foreign, Name::Key)
    }

    fn warn_foreign(&self, secret: &str) {
        if !self.warned_foreign.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                name = %secret.escape_debug(),
                "there are secrets whose names are no keys; they are left out of lists, and `verify` counts them"
            );
        }
    }
}
