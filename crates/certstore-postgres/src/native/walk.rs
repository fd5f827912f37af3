//! Walking a tree in bounded memory, a page at a time.
//!
//! The rows come in the order of their keys, and directories have none. In that order `a` comes before `a-b`, and `a-b`
//! before `a/x`: a directory may have to be told before the first key below it is seen. So each page asks, in one
//! statement, which of the names that its keys begin with, up to a character before the slash (`+`, `-` or `.`), are
//! directories.

use std::collections::{BTreeSet, VecDeque};

use certstore_core::{Dir, Key, KeyInfo, Result};
use futures_util::stream::{self, BoxStream, StreamExt as _};

use super::Native;
use super::list::{Range, no_directory, on_dir, valid_key};
use super::read::{column, file_info};
use crate::pool::Arg;

/// The rows of a page.
const PAGE: usize = 1000;

struct Walk<'a> {
    storage: &'a Native,
    dir: Dir,
    range: Range,
    found: VecDeque<KeyInfo>,
    /// The last key that was told: no directory before it is told any more.
    last: Option<Key>,
    begun: bool,
    done: bool,
}

impl Native {
    pub(super) fn walk_in<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        let walk = Walk {
            storage: self,
            dir: dir.clone(),
            range: Range::of(dir),
            found: VecDeque::new(),
            last: None,
            begun: false,
            done: false,
        };
        stream::unfold(walk, |mut walk| async move {
            let next = walk.next().await.transpose()?;
            // An error ends the stream.
            walk.done |= next.is_err();
            Some((next.map_err(|error| on_dir(error, &walk.dir)), walk))
        })
        .boxed()
    }

    /// The names below `dir` that are no keys.
    pub(super) async fn foreign_in(&self, dir: &Dir) -> Result<Vec<String>> {
        let mut range = Range::of(dir);
        let mut foreign = Vec::new();
        loop {
            let limit = Arg::Int(PAGE as i64);
            let args = [Arg::Text(&range.first), Arg::Text(&range.end), limit];
            let rows = self.pool.read(range.statement(&self.sql.page), &args).await?;
            let Some(last) = rows.last() else { return Ok(foreign) };
            for row in &rows {
                let name: String = column(row, 0)?;
                if Key::new(&name).is_err() {
                    foreign.push(name);
                }
            }
            range.first = after(&column::<String>(last, 0)?);
        }
    }
}

impl Walk<'_> {
    async fn next(&mut self) -> Result<Option<KeyInfo>> {
        while self.found.is_empty() && !self.done {
            self.turn_page().await?;
        }
        Ok(self.found.pop_front())
    }

    async fn turn_page(&mut self) -> Result<()> {
        let limit = Arg::Int(PAGE as i64);
        let args = [Arg::Text(&self.range.first), Arg::Text(&self.range.end), limit];
        let storage = self.storage;
        let rows = storage.pool.read(self.range.statement(&storage.sql.page), &args).await?;
        self.done = rows.len() < PAGE;
        if let Some(last) = rows.last() {
            self.range.first = after(&column::<String>(last, 0)?);
        }
        let mut files = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Some(key) = valid_key(row)? {
                files.push(file_info(key, row, 1)?);
            }
        }
        self.check_begin(rows.is_empty()).await?;
        let directories = self.early_directories(&files).await?;
        for file in files {
            self.tell(file, &directories);
        }
        Ok(())
    }

    /// A directory below which nothing lies is a value, or missing.
    async fn check_begin(&mut self, empty: bool) -> Result<()> {
        let first = !std::mem::replace(&mut self.begun, true);
        match self.dir.key() {
            Some(key) if first && empty && !self.storage.is_there(key).await? => {
                Err(no_directory())
            }
            _ => Ok(()),
        }
    }

    /// Those of the names that must be told before the first key below them that are directories.
    async fn early_directories(&self, files: &[KeyInfo]) -> Result<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        for file in files {
            let name = file.key.as_str();
            let begin = self.dir.key().map_or(0, |dir| dir.as_str().len() + 1);
            let cuts = name[begin..].match_indices(['+', '-', '.']).map(|(at, _)| begin + at);
            names.extend(cuts.map(|at| &name[..at]).filter(|name| !name.ends_with('/')));
        }
        let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
        if names.is_empty() {
            return Ok(BTreeSet::new());
        }
        let args = [Arg::Texts(&names)];
        let rows = self.storage.pool.read(&self.storage.sql.directories, &args).await?;
        rows.iter().map(|row| column(row, 0)).collect()
    }

    /// The file, after the directories that come before it and were not told yet.
    fn tell(&mut self, file: KeyInfo, directories: &BTreeSet<String>) {
        let name = file.key.as_str();
        let begin = self.dir.key().map_or(0, |dir| dir.as_str().len() + 1);
        for (at, _) in name[begin..].match_indices(['+', '-', '.', '/']) {
            let cut = &name[..begin + at];
            let is_directory = name[begin + at..].starts_with('/') || directories.contains(cut);
            let is_new = self.last.as_ref().is_none_or(|last| cut > last.as_str());
            if is_directory
                && is_new
                && let Ok(key) = Key::new(cut)
            {
                self.found.push_back(KeyInfo::directory(key));
            }
        }
        self.last = Some(file.key.clone());
        self.found.push_back(file);
    }
}

/// The least name after `key`: no name has a control character.
fn after(key: &str) -> String {
    format!("{key}\u{1}")
}
