//! Walking: keys in order, with their directories, a page at a time.
//!
//! Stores sort whole names, so `a-b` comes before `a/c`, and only then it shows that there is a directory `a`, which sorts
//! before both. What may still be preceded by such a directory is held back; when too much is, the server is asked.

use std::collections::VecDeque;

use certstore_core::{Dir, KeyInfo, Result};
use futures_util::stream::{self, BoxStream, StreamExt as _};

use crate::order::Order;
use crate::{ObjectStore, ObjectTree, Query, Rules};

/// How many entries are held back before the server is asked.
const HELD: usize = 2_000;

impl<S: ObjectStore, R: Rules> ObjectTree<S, R> {
    /// The keys of a recursive [`list`](Self::list) one after another, with what a list tells of them, in memory of a few
    /// pages.
    ///
    /// # Errors
    /// As [`list`](Self::list), in the stream; it ends there.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub fn walk<'a>(&'a self, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
        let walk = Walk {
            tree: self,
            dir: dir.clone(),
            query: Query::deep(self.names.below(dir)),
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
}

/// Which page comes next.
enum Next {
    First,
    Token(String),
    End,
}

struct Walk<'a, S, R> {
    tree: &'a ObjectTree<S, R>,
    dir: Dir,
    query: Query,
    next: Next,
    ready: VecDeque<KeyInfo>,
    order: Order,
    found: bool,
}

impl<S: ObjectStore, R: Rules> Walk<'_, S, R> {
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
                        self.tree.check_dir(&self.dir).await?;
                    }
                    return Ok(None);
                }
            };
            let page = self.tree.store.page(&self.query, token.as_deref()).await?;
            for object in &page.objects {
                if let Some(key) = self.tree.key_of(object) {
                    self.order.push(self.tree.listed_info(key, object));
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
        while self.order.held() > HELD {
            let Some(candidate) = self.order.candidate() else { return Ok(()) };
            let exists = self.tree.has_below(&candidate).await?;
            self.order.settle(candidate, exists);
            self.order.release(&mut self.ready);
        }
        Ok(())
    }
}
