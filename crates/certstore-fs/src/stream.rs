//! A walk as a stream: each chunk of it runs in the pool.

use certstore_core::{Dir, KeyInfo, Result};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use crate::list;
use crate::storage::{FsStorage, named};
use crate::walk::Walker;

/// Keys that a walk looks at in one go.
const CHUNK: usize = 256;

/// The keys below `dir` with what `stat` tells, in order; the stream ends after an error.
pub(crate) fn walk<'a>(storage: &'a FsStorage, dir: &Dir) -> BoxStream<'a, Result<KeyInfo>> {
    let walk = Walk { storage, dir: dir.clone(), walker: WalkState::NotBegun };
    stream::unfold(walk, Walk::chunk).flat_map(stream::iter).boxed()
}

/// A walk between two chunks.
struct Walk<'a> {
    storage: &'a FsStorage,
    dir: Dir,
    walker: WalkState,
}

enum WalkState {
    NotBegun,
    Going(Walker),
    Over,
}

impl Walk<'_> {
    async fn chunk(mut self) -> Option<(Vec<Result<KeyInfo>>, Self)> {
        let (dir, state) = (self.dir.clone(), std::mem::replace(&mut self.walker, WalkState::Over));
        let chunk = self.storage.write("list", self.dir.as_str(), move |inner| {
            let mut walker = match state {
                WalkState::NotBegun => Walker::new(inner.root.clone(), &dir)?,
                WalkState::Going(walker) => walker,
                WalkState::Over => return Ok(None),
            };
            let infos = list::infos(&inner.root, &mut walker, CHUNK);
            Ok((!infos.is_empty()).then_some((infos, walker)))
        });
        match chunk.await {
            Ok(None) => None,
            Err(error) => Some((vec![Err(error)], self)),
            Ok(Some((mut infos, walker))) => {
                let over = matches!(infos.last(), Some(Err(_)));
                if let Some(Err(error)) = infos.pop_if(|info| info.is_err()) {
                    infos.push(Err(named(error, "list", self.dir.as_str())));
                }
                self.walker = if over { WalkState::Over } else { WalkState::Going(walker) };
                Some((infos, self))
            }
        }
    }
}
