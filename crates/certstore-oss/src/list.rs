//! Lists of keys, from lists of objects.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use certstore_core::{Dir, Error, ErrorKind, Key, RESERVED, Result};

use crate::listing::{Listed, Query};
use crate::names::PEER_LOCK;
use crate::storage::Inner;

/// What a name in a list is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Key(Key),
    /// Lock logs, journals, locks that are shared with certmagic-oss: no keys.
    Ours,
    /// Somebody else's.
    Foreign,
}

impl Inner {
    /// The keys in `dir`.
    pub(crate) async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        let query = Query { prefix: self.names.below(dir), shallow: !recursive, limit: None };
        let (mut keys, mut token) = (BTreeSet::new(), None);
        loop {
            let page = self.bucket.page(&query, token).await?;
            for object in &page.objects {
                if let Some(key) = self.key_of(object) {
                    add(&mut keys, key, dir);
                }
            }
            for prefix in &page.prefixes {
                match self.classify(prefix.strip_suffix('/').unwrap_or(prefix)) {
                    Name::Key(key) => drop(keys.insert(key)),
                    Name::Ours => {}
                    // What looks like a directory named `locks` is ours.
                    Name::Foreign if *prefix == self.names.reserved() => {}
                    Name::Foreign => self.warn_foreign(prefix),
                }
            }
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        if keys.is_empty() {
            self.check_dir(dir).await?;
        }
        Ok(keys.into_iter().collect())
    }

    /// The key of a listed object, unless it is none.
    pub(crate) fn key_of(&self, object: &Listed) -> Option<Key> {
        match self.classify(&object.name) {
            Name::Key(key) => {
                self.warn_peer_lock(&key, object);
                Some(key)
            }
            Name::Ours => None,
            Name::Foreign => {
                self.warn_foreign(&object.name);
                None
            }
        }
    }

    /// An empty directory does not exist, unless it is a value or the root.
    pub(crate) async fn check_dir(&self, dir: &Dir) -> Result<()> {
        let Some(key) = dir.key() else { return Ok(()) };
        if self.bucket.head(&self.names.value(key)?).await?.is_some() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::NotFound, "there is no such directory"))
    }

    /// Whether any key lies below `key`.
    pub(crate) async fn has_below(&self, key: &Key) -> Result<bool> {
        // Mostly the first name is a key; where it is not, the rest is looked at.
        let mut query = Query::deep(self.names.below(&key.into()));
        query.limit = Some(1);
        let mut token = None;
        loop {
            let page = self.bucket.page(&query, token).await?;
            if page.objects.iter().any(|object| self.key_of(object).is_some()) {
                return Ok(true);
            }
            query.limit = None;
            token = page.next;
            if token.is_none() {
                return Ok(false);
            }
        }
    }

    /// The stored names below `dir` that are no keys, without the prefix.
    pub(crate) async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        let query = Query::deep(self.names.below(dir));
        let (mut foreign, mut token) = (Vec::new(), None);
        loop {
            let page = self.bucket.page(&query, token).await?;
            for object in &page.objects {
                if self.classify(&object.name) == Name::Foreign {
                    let name = self.names.relative(&object.name).unwrap_or(&object.name);
                    foreign.push(name.to_owned());
                }
            }
            token = page.next;
            if token.is_none() {
                return Ok(foreign);
            }
        }
    }

    pub(crate) fn classify(&self, object: &str) -> Name {
        let Some(name) = self.names.relative(object) else { return Name::Foreign };
        if name.strip_prefix(RESERVED).is_some_and(|rest| rest.starts_with('/')) {
            return Name::Ours;
        }
        if self.names.is_peer_lock(object) {
            return Name::Ours;
        }
        Key::new(name).map_or(Name::Foreign, Name::Key)
    }

    /// An empty object like this is a lock of certmagic-oss, unless somebody stored nothing under such a name: it stays a
    /// value.
    fn warn_peer_lock(&self, key: &Key, object: &Listed) {
        let looks_like = object.size == Some(0) && key.as_str().ends_with(PEER_LOCK);
        if looks_like && !self.warned_peer_lock.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %key,
                "this looks like a lock of certmagic-oss; share its locks with lock_mode certmagic-oss, or delete it once \
                 the programs that use that are stopped"
            );
        }
    }

    fn warn_foreign(&self, object: &str) {
        if !self.warned_foreign.swap(true, Ordering::Relaxed) {
            let name = self.names.relative(object).unwrap_or(object);
            tracing::warn!(
                name = %name.escape_debug(),
                "the bucket holds names that are no keys; they are left out of lists, and `verify` counts them"
            );
        }
    }
}

/// A key, with the directories between it and `dir`.
fn add(keys: &mut BTreeSet<Key>, key: Key, dir: &Dir) {
    let mut parent = key.parent();
    keys.insert(key);
    while let Some(above) = parent.key() {
        if !above.is_below(dir) || !keys.insert(above.clone()) {
            break;
        }
        parent = above.parent();
    }
}
