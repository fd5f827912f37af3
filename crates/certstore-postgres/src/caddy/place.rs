//! Where keys lie in the table: a parent and a name, and the directories above.

use certstore_core::{Dir, Key};

use super::sql::LAST;

/// Parent and last component of a key.
pub(super) fn split(key: &str) -> (&str, &str) {
    key.rsplit_once('/').unwrap_or(("", key))
}

/// A stored row's path.
pub(super) fn joined(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") }
}

/// Parents and names of the directories above a key in `parent`, from the root down.
pub(super) fn above(parent: &str) -> (Vec<&str>, Vec<&str>) {
    let ends = parent.match_indices('/').map(|(at, _)| at);
    let dirs = ends.chain((!parent.is_empty()).then_some(parent.len())).map(|end| &parent[..end]);
    dirs.map(split).unzip()
}

/// The parents that lie below a directory: itself, and those from `prefix` to before `end`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    /// With a slash; empty for the root.
    pub(super) prefix: String,
    /// The first text after those that begin with `prefix`.
    pub(super) end: String,
}

impl Range {
    pub(super) fn below(dir: &Dir) -> Self {
        match dir.key() {
            None => Self { prefix: String::new(), end: LAST.to_owned() },
            Some(key) => Self { prefix: format!("{key}/"), end: format!("{key}0") },
        }
    }
}

/// Parents that sort before the path `last` and yet may have files with a path after it: where `last` goes on with a byte
/// up to the slash.
pub(super) fn reaching_over<'a>(dir: &Dir, last: &'a str) -> Vec<&'a str> {
    let least = dir.as_str().len();
    let cuts = last.bytes().enumerate().filter(|(at, byte)| *at >= least && *byte <= b'/');
    let mut parents: Vec<&str> = cuts.filter_map(|(at, _)| last.get(..at)).collect();
    if dir.is_root() && parents.first() != Some(&"") {
        // Files in the root have no slash before them.
        parents.insert(0, "");
    }
    parents
}

/// Parent and name as two columns of keys.
pub(super) fn columns<'a>(keys: &[&'a Key]) -> (Vec<&'a str>, Vec<&'a str>) {
    keys.iter().map(|key| split(key.as_str())).unzip()
}

#[cfg(test)]
#[path = "place_tests.rs"]
mod tests;
