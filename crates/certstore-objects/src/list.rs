//! Lists of keys, from lists of objects.

use std::collections::BTreeSet;

use certstore_core::{Dir, Error, ErrorKind, Key, KeyInfo, RESERVED, Result};

use crate::{Listed, ObjectStore, ObjectTree, Query, Rules};

/// What a name in a list is.
#[derive(Debug, PartialEq, Eq)]
enum Name {
    Key(Key),
    /// Lock records, journals: no keys, and not foreign.
    Ours,
    /// Somebody else's.
    Foreign,
}

impl<S: ObjectStore, R: Rules> ObjectTree<S, R> {
    /// The keys in `dir`, sorted: its own alone, or those of all directories in it, too. A request for every 1,000.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]: there is no such directory. Else of the store.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        let query = Query { prefix: self.names.below(dir), shallow: !recursive, limit: None };
        let (mut keys, mut token) = (BTreeSet::new(), None);
        loop {
            let page = self.store.page(&query, token.as_deref()).await?;
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

    /// Whether any key lies below `key`. One request, mostly.
    ///
    /// # Errors
    /// Of the store.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub async fn has_below(&self, key: &Key) -> Result<bool> {
        // Mostly the first name is a key; where it is not, the rest is looked at.
        let mut query = Query::deep(self.names.below(&key.into()));
        query.limit = Some(1);
        let mut token = None;
        loop {
            let page = self.store.page(&query, token.as_deref()).await?;
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
    ///
    /// # Errors
    /// Of the store.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        let query = Query::deep(self.names.below(dir));
        let (mut foreign, mut token) = (Vec::new(), None);
        loop {
            let page = self.store.page(&query, token.as_deref()).await?;
            for object in &page.objects {
                let is_foreign = match self.classify(&object.name) {
                    Name::Key(key) => self.rules.is_foreign(&key, object),
                    Name::Ours => false,
                    Name::Foreign => true,
                };
                if is_foreign {
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

    /// The key of a listed object, unless it is none.
    pub(crate) fn key_of(&self, object: &Listed) -> Option<Key> {
        match self.classify(&object.name) {
            Name::Key(key) => (!self.rules.is_foreign(&key, object)).then_some(key),
            Name::Ours => None,
            Name::Foreign => {
                self.warn_foreign(&object.name);
                None
            }
        }
    }

    /// What a list tells of a value.
    pub(crate) fn listed_info(&self, key: Key, object: &Listed) -> KeyInfo {
        let mut info = KeyInfo::file(key);
        info.size = self.rules.size(object);
        info.modified = object.modified;
        info.version = object.version.clone();
        info
    }

    /// An empty directory does not exist, unless it is a value or the root.
    pub(crate) async fn check_dir(&self, dir: &Dir) -> Result<()> {
        let Some(key) = dir.key() else { return Ok(()) };
        if self.store.has(&self.value(key)?).await? {
            return Ok(());
        }
        Err(Error::new(ErrorKind::NotFound, "there is no such directory"))
    }

    fn classify(&self, object: &str) -> Name {
        if self.rules.is_ours(object) {
            return Name::Ours;
        }
        let Some(name) = self.names.relative(object) else { return Name::Foreign };
        if name.strip_prefix(RESERVED).is_some_and(|rest| rest.starts_with('/')) {
            return Name::Ours;
        }
        Key::new(name).map_or(Name::Foreign, Name::Key)
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
