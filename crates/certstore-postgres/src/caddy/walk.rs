//! A recursive list with what `stat` tells, page by page.

use std::collections::VecDeque;

use certstore_core::{Dir, Key, KeyInfo, Result};
use futures_util::stream::{self, BoxStream, StreamExt as _};

use super::columns::column;
use super::place::{Range, reaching_over};
use super::read;
use super::shared::Shared;
use crate::pool::Arg;

/// How many rows are in memory at a time.
const PAGE: i64 = 5_000;

struct Walk {
    shared: Shared,
    dir: Dir,
    /// The path that the page before ended with; `None` before the first.
    last: Option<String>,
    ready: VecDeque<KeyInfo>,
    done: bool,
}

/// The walk of `dir`.
pub(super) fn walk(shared: Shared, dir: Dir) -> BoxStream<'static, Result<KeyInfo>> {
    let walk = Walk { shared, dir, last: None, ready: VecDeque::new(), done: false };
    stream::unfold(walk, |mut walk| async move {
        let next = walk.next().await;
        // An error is the last that the stream gives.
        if matches!(next, Some(Err(_))) {
            walk.done = true;
            walk.ready.clear();
        }
        next.map(|next| (next, walk))
    })
    .boxed()
}

impl Walk {
    async fn next(&mut self) -> Option<Result<KeyInfo>> {
        while self.ready.is_empty() && !self.done {
            if let Err(error) = self.turn_page().await {
                return Some(Err(error));
            }
        }
        self.ready.pop_front().map(Ok)
    }

    async fn turn_page(&mut self) -> Result<()> {
        let (range, depth) = (Range::below(&self.dir), self.dir.key().map_or(0, depth));
        let last = self.last.take().unwrap_or_default();
        let first = last.is_empty();
        let before = if first { vec![self.dir.as_str()] } else { reaching_over(&self.dir, &last) };
        let from = if first { range.prefix.as_str() } else { last.as_str() };
        let args = [
            Arg::Texts(&before),
            Arg::Text(from),
            Arg::Text(&range.end),
            Arg::Int(depth + 1),
            Arg::Text(&last),
            Arg::Int(PAGE),
        ];
        let rows = self.shared.pool.read(&self.shared.sql.page, &args).await?;
        self.done = i64::try_from(rows.len()).is_ok_and(|count| count < PAGE);
        if first && rows.is_empty() {
            return self.check_missing().await;
        }
        let mut path = String::new();
        for row in &rows {
            let here: &str = column(row, 0)?;
            // What is a file and a directory counts as a file, which comes first.
            if here == path {
                continue;
            }
            here.clone_into(&mut path);
            if let Some(key) = self.shared.key(here) {
                self.ready.push_back(read::info(key, row, [1, 2, 3, 4])?);
            }
        }
        self.last = Some(path);
        Ok(())
    }

    /// A directory without anything below is missing, unless it is the root or a file.
    async fn check_missing(&self) -> Result<()> {
        match self.dir.key() {
            None => Ok(()),
            Some(key) if read::exists(&self.shared, key).await? => Ok(()),
            Some(_) => Err(read::missing()),
        }
    }
}

fn depth(key: &Key) -> i64 {
    i64::try_from(key.components().count()).unwrap_or(i64::MAX)
}
