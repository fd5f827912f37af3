//! Lists: one directory, or all below it.

use std::io;
use std::sync::Arc;

use certstore_core::{Dir, Error, Key, KeyInfo, Result};

use crate::entries::{Meaning, Names, entries};
use crate::error::{io_error, is_missing};
use crate::list_all::all;
use crate::read;
use crate::root::Root;
use crate::walk::{self, Foreign, Item, Place, Walker, has_value_below, read_sorted};

/// The keys in `dir`, sorted.
pub(crate) fn list(root: &Arc<Root>, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
    let mut foreign = Foreign::default();
    let items = match read_sorted(root, dir, &mut foreign) {
        // The walker tells a value from what is missing.
        Err(error) if is_missing(&error) => {
            return Walker::new(root.clone(), dir).map(|_| Vec::new());
        }
        items => items.map_err(io_error)?,
    };
    let keys = if recursive { all(root, items, &mut foreign)? } else { children(root, items)? };
    foreign.warn(dir);
    if keys.is_empty() && !dir.is_root() { Err(Error::not_found()) } else { Ok(keys) }
}

/// Up to `limit` keys of a walk with what `stat` tells of each. What vanished since it was found is left out.
pub(crate) fn infos(root: &Root, walker: &mut Walker, limit: usize) -> Vec<Result<KeyInfo>> {
    let mut infos = Vec::with_capacity(limit);
    for found in walker {
        match found.and_then(|found| info(root, found)).transpose() {
            None => continue,
            Some(info) => infos.push(info),
        }
        if infos.len() == limit {
            break;
        }
    }
    infos
}

/// Whether there is a value anywhere below `dir`.
pub(crate) fn has_value(root: &Root, dir: &Dir) -> Result<bool> {
    match has_value_below(root, dir) {
        Err(error) if is_missing(&error) => Ok(false),
        found => found.map_err(io_error),
    }
}

/// The names below `dir` that are no keys, sorted.
pub(crate) fn foreign(root: &Root, dir: &Dir) -> Result<Vec<String>> {
    let mut found = Vec::new();
    match collect_foreign(root, dir, &mut found) {
        Err(error) if is_missing(&error) => {}
        collected => collected.map_err(io_error)?,
    }
    found.sort_unstable();
    Ok(found)
}

fn children(root: &Root, items: Vec<Item>) -> Result<Vec<Key>> {
    let mut keys = Vec::with_capacity(items.len());
    for item in items {
        let shown = match item.place {
            Place::Value => true,
            Place::Dir => has_value(root, &Dir::from(&item.key))?,
            Place::Below => false,
        };
        if shown {
            keys.push(item.key);
        }
    }
    Ok(keys)
}

fn info(root: &Root, found: walk::Found) -> Result<Option<KeyInfo>> {
    if !found.is_value {
        let stat = root.stat(found.key.as_str());
        let info = KeyInfo::directory(found.key);
        return Ok(Some(match stat {
            Ok(stat) => info.with_modified(read::modified(&stat)),
            Err(_) => info,
        }));
    }
    match read::stat(root, &found.key) {
        Ok(info) => Ok(Some(info)),
        Err(error) if error.kind() == certstore_core::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.with_key(&found.key)),
    }
}

fn collect_foreign(root: &Root, dir: &Dir, found: &mut Vec<String>) -> io::Result<()> {
    let opened = root.open_dir(dir.as_str())?;
    let (mut below, mut names) = (Vec::new(), Names::of(dir));
    entries(&opened, |name, kind| match names.meaning(name, kind) {
        Meaning::Dir(key) => below.push(Dir::from(key)),
        Meaning::Foreign => found.push(names.shown(name)),
        Meaning::Value(_) | Meaning::Ours => {}
    })
    .map_err(|error| root.or_deleted(error))?;
    drop(opened);
    for dir in below {
        match collect_foreign(root, &dir, found) {
            Err(error) if is_missing(&error) => {}
            collected => collected?,
        }
    }
    Ok(())
}
