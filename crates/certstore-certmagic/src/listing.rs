//! Lists as certmagic's storages give them.

use std::collections::BTreeSet;

use certstore_core::{Dir, Error, Result, Storage};
use futures_util::TryStreamExt as _;

/// Recursive: all values. Not recursive: the values, and the directories with a slash at their end. Sorted.
///
/// # Errors
/// `NotFound` for a missing directory, and for a value: it is no directory.
pub(crate) async fn list(storage: &dyn Storage, dir: &Dir, recursive: bool) -> Result<Vec<String>> {
    let start = if dir.is_root() { 0 } else { dir.as_str().len() + 1 };
    let mut infos = storage.walk(dir);
    let (mut listed, mut is_empty) = (BTreeSet::new(), true);
    while let Some(info) = infos.try_next().await? {
        is_empty = false;
        let key = info.key.as_str();
        let below = if recursive { None } else { key[start..].find('/') };
        match below {
            Some(slash) => drop(listed.insert(key[..=start + slash].to_owned())),
            // A directory of this level is known by what lies below it.
            None if info.is_terminal => drop(listed.insert(key.to_owned())),
            None => {}
        }
    }
    if is_empty && !dir.is_root() {
        return Err(Error::not_found().with_operation("list").with_subject(dir.as_str()));
    }
    Ok(listed.into_iter().collect())
}
