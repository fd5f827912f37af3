//! Walking: keys in order, with their directories, a page at a time.
//!
//! OSS sorts whole names, so `a-b` comes before `a/c`, and only then it shows that there is a directory `a`, which sorts
//! before both. What may still be preceded by such a directory is held back; when too much is, the server is asked.

use std::collections::{BTreeMap, VecDeque};

use certstore_core::{Dir, Key, KeyInfo, Result, Version};
use futures_util::stream::{self, BoxStream, StreamExt as _};

use crate::listing::{Listed, Query};
use crate::storage::Inner;

/// How many entries are held back before the server is asked.
const HELD: usize = 2_000;

pub(crate) fn walk<'a>(inner: &'a Inner, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
    let walk = Walk {
        inner,
        dir: dir.clone(),
        query: Query::deep(inner.names.below(dir)),
        next: Next::First,
        ready: VecDeque::new(),
        order: Order::new(dir.clone()),
        found: false,
    };
    stream::try_unfold(walk, |mut walk| async move {
        let info = walk.next().await?;
        Ok(info.map(|info| (info, walk)))
    })
    .boxed()
}

/// Which page comes next.
enum Next {
    First,
    Token(String),
    End,
}

struct Walk<'a> {
    inner: &'a Inner,
    dir: Dir,
    query: Query,
    next: Next,
    ready: VecDeque<KeyInfo>,
    order: Order,
    found: bool,
}

impl Walk<'_> {
    async fn next(&mut self) -> Result<Option<KeyInfo>> {
        loop {
            if let Some(info) = self.ready.pop_front() {
                self.found = true;
                return Ok(Some(info));
            }
            let token = match std::mem::replace(&mut self.next, Next::End) {
                Next::First => None,
                Next::Token(token) => Some(token),
                Next::End => {
                    if !std::mem::replace(&mut self.found, true) {
                        self.inner.check_dir(&self.dir).await?;
                    }
                    return Ok(None);
                }
            };
            let page = self.inner.bucket.page(&self.query, token).await?;
            for object in &page.objects {
                if let Some(key) = self.inner.key_of(object) {
                    self.order.push(listed_info(key, object));
                    self.order.release(&mut self.ready);
                }
            }
            match page.next {
                Some(token) => {
                    self.next = Next::Token(token);
                    self.relieve().await?;
                }
                None => self.order.finish(&mut self.ready),
            }
        }
    }

    /// Asks about the directories that are waited for, when too much waits.
    async fn relieve(&mut self) -> Result<()> {
        while self.order.held.len() > HELD {
            let Some(candidate) = self.order.candidate() else { return Ok(()) };
            let exists = self.inner.has_below(&candidate).await?;
            self.order.settle(candidate, exists);
            self.order.release(&mut self.ready);
        }
        Ok(())
    }
}

/// What a list tells of a value.
fn listed_info(key: Key, object: &Listed) -> KeyInfo {
    let mut info = KeyInfo::file(key);
    info.size = object.size;
    info.modified = object.modified;
    info.version = object.etag.as_deref().map(Version::new);
    info
}

/// Puts directories in their place among files that come sorted by their whole names.
struct Order {
    dir: Dir,
    /// What is not let go yet, sorted.
    held: BTreeMap<Key, KeyInfo>,
    last: Option<Key>,
    /// Directories about which the server was asked, with its answer; they begin the last key.
    asked: Vec<(Key, bool)>,
    /// Files that begin the last key, and so may turn out to be directories as well.
    files: Vec<Key>,
}

impl Order {
    fn new(dir: Dir) -> Self {
        Self { dir, held: BTreeMap::new(), last: None, asked: Vec::new(), files: Vec::new() }
    }

    fn push(&mut self, file: KeyInfo) {
        let key = file.key.clone();
        self.files.retain(|file| key.as_str().starts_with(file.as_str()));
        self.asked.retain(|(asked, _)| key.as_str().starts_with(asked.as_str()));
        let mut above = key.parent();
        while let Some(dir) = above.key() {
            if !dir.is_below(&self.dir) || self.is_placed(dir) {
                break;
            }
            self.held.insert(dir.clone(), KeyInfo::directory(dir.clone()));
            above = dir.parent();
        }
        self.files.push(key.clone());
        self.held.insert(key.clone(), file);
        self.last = Some(key);
    }

    /// Whether the key of a directory was given already: all names in it stand together, so the last key tells.
    fn is_placed(&self, dir: &Key) -> bool {
        self.last.as_ref().is_some_and(|last| last.is_below(&dir.into()))
            || self.files.contains(dir)
            || self.asked.contains(&(dir.clone(), true))
    }

    /// The first directory that may still come and belongs before what is held.
    fn candidate(&self) -> Option<Key> {
        let last = self.last.as_ref()?.as_str();
        let start = if self.dir.is_root() { 0 } else { self.dir.as_str().len() + 1 };
        let ends = last.bytes().enumerate().skip(start + 1);
        // Only what sorts before the slash can stand between a directory's name and the names in it.
        let mut ends = ends.filter(|(_, byte)| *byte < b'/').map(|(end, _)| &last[..end]);
        ends.find_map(|name| {
            let key = Key::new(name).ok()?;
            let known =
                self.files.contains(&key) || self.asked.iter().any(|(asked, _)| *asked == key);
            (!known).then_some(key)
        })
    }

    /// What the server says of a candidate.
    fn settle(&mut self, candidate: Key, exists: bool) {
        if exists {
            self.held.insert(candidate.clone(), KeyInfo::directory(candidate.clone()));
        }
        self.asked.push((candidate, exists));
    }

    /// Lets go what nothing can precede any more.
    fn release(&mut self, ready: &mut VecDeque<KeyInfo>) {
        let Some(candidate) = self.candidate() else { return self.finish(ready) };
        let rest = self.held.split_off(&candidate);
        ready.extend(std::mem::replace(&mut self.held, rest).into_values());
    }

    fn finish(&mut self, ready: &mut VecDeque<KeyInfo>) {
        ready.extend(std::mem::take(&mut self.held).into_values());
    }
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
