//! Walking a tree in the bytewise order of its keys, with only the directories on the way in memory.
//!
//! `-` and `.` sort before `/`, so the keys below `a` do not follow `a`: `a`, `a-b`, `a.c`, `a/x`. A directory therefore
//! stands twice in the order of its parent: as `a`, which gives its own key, and as `a/`, which gives all that lies below.

use std::cmp::Ordering;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::vec;

use certstore_core::{Dir, Error, Key, Result};
use rustix::fs::FileType;

use crate::entries::{Kind, Meaning, Names, entries, first_entries};
use crate::error::{io_error, is_missing};
use crate::root::Root;
use crate::stable::{changing_entries, is_quiet};

/// A key that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) key: Key,
    /// Whether it has a value; else it is a directory.
    pub(crate) is_value: bool,
}

/// Gives the keys below a directory one by one.
#[derive(Debug)]
pub(crate) struct Walker {
    root: Arc<Root>,
    start: Dir,
    levels: Vec<vec::IntoIter<Item>>,
    /// What was read of a directory when its own key came, for its `/` that comes next.
    ahead: Option<Vec<Item>>,
    found_any: bool,
    foreign: Foreign,
}

#[derive(Debug)]
pub(crate) struct Item {
    /// The first eight bytes of the name, and of what stands for [`Place::Below`], as a number: most comparisons end here.
    start: u64,
    pub(crate) key: Key,
    pub(crate) place: Place,
}

/// What an item gives when its turn comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Value,
    Dir,
    /// All that lies below a directory.
    Below,
}

/// Names that are no keys: counted, for one warning.
#[derive(Debug, Default)]
pub(crate) struct Foreign {
    count: usize,
    first: Option<String>,
}

impl Walker {
    /// A walk of what lies below `start`. A value has nothing below it; what is not there is
    /// [`NotFound`](certstore_core::ErrorKind::NotFound), now or, for a directory without values, at the end.
    pub(crate) fn new(root: Arc<Root>, start: &Dir) -> Result<Self> {
        let mut walker = Self::at(root, start);
        match walker.read(start) {
            Ok(items) => walker.levels.push(items.into_iter()),
            Err(error) if is_missing(&error) => {
                if !is_value(&walker.root, start)? {
                    return Err(Error::not_found());
                }
                walker.found_any = true;
            }
            Err(error) => return Err(io_error(error)),
        }
        Ok(walker)
    }

    /// All keys below `dir`, and the names that are none; empty when it is gone.
    pub(crate) fn all_below(root: &Arc<Root>, dir: &Dir) -> Result<(Vec<Key>, Foreign)> {
        let mut walker = Self::at(root.clone(), dir);
        if let Some(items) = missing_as_none(walker.read(dir))? {
            walker.levels.push(items.into_iter());
        }
        let mut keys = Vec::new();
        while let Some(found) = walker.step()? {
            keys.push(found.key);
        }
        Ok((keys, walker.foreign))
    }

    fn at(root: Arc<Root>, start: &Dir) -> Self {
        Self {
            root,
            start: start.clone(),
            levels: Vec::new(),
            ahead: None,
            found_any: false,
            foreign: Foreign::default(),
        }
    }

    fn next_found(&mut self) -> Result<Option<Found>> {
        let found = self.step()?;
        self.found_any |= found.is_some();
        if found.is_some() { Ok(found) } else { self.end() }
    }

    fn step(&mut self) -> Result<Option<Found>> {
        while let Some(level) = self.levels.last_mut() {
            let Some(item) = level.next() else {
                self.levels.pop();
                continue;
            };
            let found = match item.place {
                Place::Value => Some(Found { key: item.key, is_value: true }),
                Place::Dir => self.enter(item.key)?,
                Place::Below => {
                    self.descend(&item.key)?;
                    None
                }
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// A directory's own key, if there is a value below it.
    fn enter(&mut self, key: Key) -> Result<Option<Found>> {
        let dir = Dir::from(key);
        let Some(items) = missing_as_none(self.read(&dir))? else { return Ok(None) };
        if !items.iter().any(|item| item.place == Place::Value)
            && !any_has_value(&self.root, &items)?
        {
            return Ok(None);
        }
        let Some(key) = dir.key().cloned() else { return Ok(None) };
        let next = self.levels.last().and_then(|level| level.as_slice().first());
        if next.is_some_and(|next| next.place == Place::Below && next.key == key) {
            self.ahead = Some(items);
        }
        Ok(Some(Found { key, is_value: false }))
    }

    fn descend(&mut self, key: &Key) -> Result<()> {
        let items = match self.ahead.take() {
            Some(items) => Some(items),
            // Read once before, when its own key came: its foreign names are counted already.
            None => {
                missing_as_none(read_sorted(&self.root, &Dir::from(key), &mut Foreign::default()))?
            }
        };
        self.levels.extend(items.map(Vec::into_iter));
        Ok(())
    }

    fn read(&mut self, dir: &Dir) -> io::Result<Vec<Item>> {
        read_sorted(&self.root, dir, &mut self.foreign)
    }

    fn end(&mut self) -> Result<Option<Found>> {
        std::mem::take(&mut self.foreign).warn(&self.start);
        if self.found_any || self.start.is_root() { Ok(None) } else { Err(Error::not_found()) }
    }
}

impl Iterator for Walker {
    type Item = Result<Found>;

    /// Ends after an error.
    fn next(&mut self) -> Option<Result<Found>> {
        let next = self.next_found().transpose();
        if matches!(next, Some(Err(_))) {
            self.levels.clear();
            self.found_any = true;
        }
        next
    }
}

impl Foreign {
    fn add(&mut self, names: &Names, name: &[u8]) {
        self.count += 1;
        self.first.get_or_insert_with(|| names.shown(name));
    }

    /// Counts those of `other` too.
    pub(crate) fn merge(&mut self, other: Self) {
        self.count += other.count;
        if self.first.is_none() {
            self.first = other.first;
        }
    }

    /// One line for all of them.
    pub(crate) fn warn(self, dir: &Dir) {
        if let Some(first) = self.first {
            tracing::warn!(
                dir = dir.as_str(),
                count = self.count,
                first,
                "left out of the list: names that are no keys; somebody else put them there"
            );
        }
    }
}

/// The items of a directory in the order of their keys.
pub(crate) fn read_sorted(root: &Root, dir: &Dir, foreign: &mut Foreign) -> io::Result<Vec<Item>> {
    let start = root.clock().wall();
    let opened = root.open_dir(dir.as_str())?;
    let mut read = Reading::of(dir);
    entries(&opened, |name, kind| read.add(name, kind)).map_err(|error| root.or_deleted(error))?;
    if !is_quiet(&opened, start)? {
        read = Reading::of(dir);
        for (name, kind) in changing_entries(&opened).map_err(|error| root.or_deleted(error))? {
            read.add(&name, kind);
        }
    }
    foreign.merge(read.foreign);
    let common = read.names.common();
    read.items.sort_unstable_by(|one, other| one.order(other, common));
    Ok(read.items)
}

/// What one reading of a directory has brought.
struct Reading {
    names: Names,
    items: Vec<Item>,
    foreign: Foreign,
}

impl Reading {
    fn of(dir: &Dir) -> Self {
        Self { names: Names::of(dir), items: Vec::new(), foreign: Foreign::default() }
    }

    fn add(&mut self, name: &[u8], kind: Kind) {
        let common = self.names.common();
        match self.names.meaning(name, kind) {
            Meaning::Value(key) => self.items.push(Item::new(key, Place::Value, common)),
            Meaning::Dir(key) => {
                self.items.push(Item::new(key.clone(), Place::Dir, common));
                self.items.push(Item::new(key, Place::Below, common));
            }
            Meaning::Ours => {}
            Meaning::Foreign => self.foreign.add(&self.names, name),
        }
    }
}

/// Whether there is a value anywhere below `dir`; it looks no further than the first.
pub(crate) fn has_value_below(root: &Root, dir: &Dir) -> io::Result<bool> {
    let opened = root.open_dir(dir.as_str())?;
    let mut names = Names::of(dir);
    let found = first_entries(&opened, |name, kind| match names.meaning(name, kind) {
        Meaning::Value(_) => ControlFlow::Break(Ok(true)),
        Meaning::Dir(key) => match has_value_below(root, &Dir::from(key)) {
            Ok(true) => ControlFlow::Break(Ok(true)),
            Ok(false) => ControlFlow::Continue(()),
            Err(error) if is_missing(&error) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(Err(error)),
        },
        Meaning::Ours | Meaning::Foreign => ControlFlow::Continue(()),
    });
    found.map_err(|error| root.or_deleted(error))?.unwrap_or(Ok(false))
}

impl Item {
    fn new(key: Key, place: Place, common: usize) -> Self {
        let mut item = Self { start: 0, key, place };
        let name = &item.key.as_str().as_bytes()[common..];
        let mut start = [0; 8];
        let shown = name.len().min(8);
        start[..shown].copy_from_slice(&name[..shown]);
        if let (Some(free), Some(slash)) = (start.get_mut(shown), item.slash()) {
            *free = slash;
        }
        item.start = u64::from_be_bytes(start);
        item
    }

    /// The order of the keys that two items of one directory give; [`Place::Below`] counts as the key with a slash. The
    /// first `common` bytes are the same in both.
    fn order(&self, other: &Self, common: usize) -> Ordering {
        self.start.cmp(&other.start).then_with(|| self.full_order(other, common))
    }

    fn full_order(&self, other: &Self, common: usize) -> Ordering {
        let (one, two) =
            (&self.key.as_str().as_bytes()[common..], &other.key.as_str().as_bytes()[common..]);
        let shorter = one.len().min(two.len());
        one[..shorter].cmp(&two[..shorter]).then_with(|| {
            let after = |name: &[u8], item: &Self| name.get(shorter).copied().or(item.slash());
            after(one, self).cmp(&after(two, other))
        })
    }

    fn slash(&self) -> Option<u8> {
        (self.place == Place::Below).then_some(b'/')
    }
}

fn any_has_value(root: &Root, items: &[Item]) -> Result<bool> {
    for item in items.iter().filter(|item| item.place == Place::Dir) {
        if missing_as_none(has_value_below(root, &Dir::from(&item.key)))? == Some(true) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_value(root: &Root, start: &Dir) -> Result<bool> {
    let stat = missing_as_none(root.stat(start.as_str()))?;
    Ok(stat.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile))
}

/// What is deleted while somebody walks is left out.
fn missing_as_none<T>(read: io::Result<T>) -> Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(io_error(error)),
    }
}
