//! Listing.

use std::collections::BTreeSet;

use certstore_core::{Dir, Error, ErrorKind, Key, Result};
use sqlx::postgres::PgRow;

use super::Native;
use super::read::column;
use super::statements::Ranged;
use crate::error::BACKEND;
use crate::pool::Arg;

/// The most children that one statement tells.
const LOOKS: usize = 20_000;

/// The range of the keys below a directory.
pub(super) struct Range {
    pub(super) first: String,
    /// Empty for the root, which has no end.
    pub(super) end: String,
}

impl Range {
    pub(super) fn of(dir: &Dir) -> Self {
        if dir.is_root() {
            return Self { first: String::new(), end: String::new() };
        }
        // What follows the slash in the order of bytes is the zero.
        Self { first: format!("{dir}/"), end: format!("{dir}0") }
    }

    pub(super) fn statement<'a>(&self, sql: &'a Ranged) -> &'a std::sync::Arc<str> {
        if self.end.is_empty() { &sql.root } else { &sql.dir }
    }
}

impl Native {
    pub(super) async fn keys_in(&self, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
        let (keys, found) =
            if recursive { self.all_below(dir).await? } else { self.children_of(dir).await? };
        if !found && !dir.is_root() {
            return Err(no_directory());
        }
        Ok(keys.into_iter().collect())
    }

    /// All keys below, and whether the directory is there, if only as a value.
    async fn all_below(&self, dir: &Dir) -> Result<(BTreeSet<Key>, bool)> {
        let range = Range::of(dir);
        let args = [Arg::Text(&range.first), Arg::Text(&range.end), Arg::Text(dir.as_str())];
        let rows = self.pool.read(range.statement(&self.sql.below), &args).await?;
        let mut keys = BTreeSet::new();
        for row in &rows {
            if let Some(key) = valid_key(row)?
                && key.is_below(dir)
            {
                with_directories(&mut keys, key, dir);
            }
        }
        Ok((keys, !rows.is_empty()))
    }

    /// As [`all_below`](Self::all_below), only what lies immediately in the directory: [`LOOKS`] in each statement, so that
    /// none meets the limit of its time.
    async fn children_of(&self, dir: &Dir) -> Result<(BTreeSet<Key>, bool)> {
        let mut range = Range::of(dir);
        let prefix = range.first.clone();
        let (mut keys, mut found) = (BTreeSet::new(), false);
        loop {
            let args = [
                Arg::Text(&range.first),
                Arg::Text(&range.end),
                Arg::Text(dir.as_str()),
                Arg::Text(&prefix),
                Arg::Int(LOOKS as i64),
            ];
            let rows = self.pool.read(range.statement(&self.sql.children), &args).await?;
            found |= !rows.is_empty();
            for row in &rows {
                if let Some(key) = valid_key(row)?
                    && key.is_below(dir)
                {
                    keys.extend(child(&key, &prefix));
                }
            }
            // A row after the last look is the directory itself.
            let Some(last) = rows.get(LOOKS - 1) else { return Ok((keys, found)) };
            range.first = after_child(&column::<String>(last, 0)?, &prefix);
        }
    }
}

/// The key of a row; `None`, with a warning, when somebody else has put a name there that is none.
pub(super) fn valid_key(row: &PgRow) -> Result<Option<Key>> {
    let name: String = column(row, 0)?;
    match Key::new(&name) {
        Ok(key) => Ok(Some(key)),
        Err(error) => {
            tracing::warn!(%error, "a stored name is no valid key, and left out");
            Ok(None)
        }
    }
}

/// The key, and the directories above it that lie below `dir`.
fn with_directories(keys: &mut BTreeSet<Key>, key: Key, dir: &Dir) {
    let mut next = Some(key);
    while let Some(key) = next.filter(|key| key.is_below(dir)) {
        next = key.parent().key().cloned();
        if !keys.insert(key) {
            break;
        }
    }
}

/// The child of the directory that `key` is or lies below.
fn child(key: &Key, prefix: &str) -> Option<Key> {
    let rest = &key.as_str()[prefix.len()..];
    let name = rest.split('/').next()?;
    Key::new(&format!("{prefix}{name}")).ok()
}

/// The first name after the child of the directory that the name is or lies below.
fn after_child(name: &str, prefix: &str) -> String {
    match name.strip_prefix(prefix).map(|rest| rest.split_once('/').unwrap_or((rest, ""))) {
        Some((child, "")) => format!("{prefix}{child}\u{1}"),
        Some((child, _)) => format!("{prefix}{child}0"),
        // Past the last one.
        None => format!("{prefix}\u{10ffff}"),
    }
}

pub(super) fn no_directory() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such directory")
}

/// Names the operation and the directory in an error.
pub(super) fn on_dir(error: Error, dir: &Dir) -> Error {
    error.with_operation("list").with_subject(dir.as_str()).with_backend(BACKEND)
}
