//! Lists and walks over the sorted sets, in the bytewise order of the keys.
//!
//! `-` and `.` sort before `/`, so the keys below `a` do not follow `a`: `a`, `a-b`, `a.c`, `a/x`. A directory therefore
//! stands twice in the order of its parent: as `a`, which gives its own key, and as `a/`, which gives all that lies below.

use std::collections::{BTreeSet, VecDeque};
use std::vec;

use certstore_core::{Dir, Key, KeyInfo, Result};
use futures_util::stream::{self, BoxStream, StreamExt as _};

use super::data::Data;
use crate::foreign::Foreign;

/// How many names one answer of a recursive list holds before the next request continues.
const ENOUGH: usize = 10_000;

/// How many values one request of a walk asks about.
const AHEAD: usize = 256;

impl Data {
    /// The keys in `dir`, sorted.
    pub(super) async fn list(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        let mut keys = BTreeSet::new();
        let mut foreign = Foreign::default();
        self.visit(dir, recursive, |below, member| {
            let name = member.trim_end_matches('/');
            match Dir::new(below).and_then(|below| below.join(name)) {
                Ok(key) => {
                    keys.insert(key);
                }
                Err(_) => foreign.add(|| full_name(below, name)),
            }
        })
        .await?;
        foreign.warn(dir);
        Ok(keys.into_iter().collect())
    }

    /// The names below `dir` that are no keys.
    pub(super) async fn foreign(&self, dir: &Dir) -> Result<Vec<String>> {
        let mut names = BTreeSet::new();
        self.visit(dir, true, |below, member| {
            let name = full_name(below, member.trim_end_matches('/'));
            if Key::new(&name).is_err() {
                names.insert(name);
            }
        })
        .await?;
        Ok(names.into_iter().collect())
    }

    /// Calls `seen` with each directory's path and each of its members.
    async fn visit(
        &self,
        dir: &Dir,
        recursive: bool,
        mut seen: impl FnMut(&str, &str) + Send,
    ) -> Result<()> {
        let enough = if recursive { ENOUGH } else { 0 };
        let mut dirs = vec![self.names.dir(dir)];
        let mut checked = false;
        while !dirs.is_empty() {
            let listed = self.listed(&dirs, enough).await?;
            if !checked {
                Self::check_kind(dir, &listed.kind)?;
                checked = true;
            }
            for (below, members) in &listed.found {
                members.iter().for_each(|member| seen(self.dir_of(below), member));
            }
            dirs = listed.rest;
        }
        Ok(())
    }

    /// All keys below `dir` in order, with what is known of them.
    pub(super) fn walk(&self, dir: &Dir) -> BoxStream<'_, Result<KeyInfo>> {
        let start = Walk {
            data: self,
            start: Some(dir.clone()),
            levels: Vec::new(),
            ready: VecDeque::new(),
        };
        stream::try_unfold(start, async |mut walk| {
            let next = walk.next().await?;
            Ok(next.map(|info| (info, walk)))
        })
        .boxed()
    }
}

fn full_name(below: &str, name: &str) -> String {
    if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") }
}

/// One entry of a directory.
struct Item {
    key: Key,
    place: Place,
}

/// What an item gives when its turn comes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Value,
    Dir,
    /// All that lies below a directory.
    Below,
}

/// A walk on its way, with only the directories above it in memory.
struct Walk<'a> {
    data: &'a Data,
    start: Option<Dir>,
    levels: Vec<vec::IntoIter<Item>>,
    ready: VecDeque<KeyInfo>,
}

impl Walk<'_> {
    async fn next(&mut self) -> Result<Option<KeyInfo>> {
        if let Some(start) = self.start.take() {
            self.enter(&start, true).await?;
        }
        while self.ready.is_empty() {
            let Some(level) = self.levels.last_mut() else { return Ok(None) };
            match level.as_slice().first() {
                None => drop(self.levels.pop()),
                Some(Item { place: Place::Below, .. }) => {
                    let Some(item) = level.next() else { continue };
                    self.enter(&Dir::from(item.key), false).await?;
                }
                Some(_) => self.look_ahead().await?,
            }
        }
        Ok(self.ready.pop_front())
    }

    /// Reads a directory; one that is gone meanwhile has nothing in it.
    async fn enter(&mut self, dir: &Dir, must_exist: bool) -> Result<()> {
        let listed = self.data.listed(&[self.data.names.dir(dir)], 0).await?;
        if must_exist {
            Data::check_kind(dir, &listed.kind)?;
        }
        let mut foreign = Foreign::default();
        let mut items = Vec::new();
        for member in listed.found.iter().flat_map(|(_, members)| members) {
            let name = member.trim_end_matches('/');
            let Ok(key) = dir.join(name) else {
                foreign.add(|| full_name(dir.as_str(), name));
                continue;
            };
            if member.ends_with('/') {
                items.push(Item { key: key.clone(), place: Place::Below });
                items.push(Item { key, place: Place::Dir });
            } else {
                items.push(Item { key, place: Place::Value });
            }
        }
        foreign.warn(dir);
        items.sort_unstable_by(|one, other| one.order().cmp(other.order()));
        items.dedup_by(|one, other| one.key == other.key && one.place == other.place);
        self.levels.push(items.into_iter());
        Ok(())
    }

    /// What is known of the next keys of the current directory, up to the next directory to enter.
    async fn look_ahead(&mut self) -> Result<()> {
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        let keys =
            level.as_slice().iter().take(AHEAD).take_while(|item| item.place != Place::Below);
        let keys: Vec<Key> = keys.map(|item| item.key.clone()).collect();
        for _ in &keys {
            drop(level.next());
        }
        self.ready.extend(self.data.stat(keys).await?.into_iter().flatten());
        Ok(())
    }
}

impl Item {
    /// Orders as the text of the key, with a slash behind it for what lies below.
    fn order(&self) -> impl Iterator<Item = u8> + '_ {
        let slash = (self.place == Place::Below).then_some(b'/');
        self.key.as_str().bytes().chain(slash)
    }
}
