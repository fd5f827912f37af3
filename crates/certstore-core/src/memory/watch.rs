//! Changes as those who watch see them.

use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{Change, Dir, Result};

/// The changes that concern `dir`; one that came too late is told to list again.
pub(super) fn changes(changes: Receiver<Change>, dir: Dir) -> BoxStream<'static, Result<Change>> {
    let all = stream::unfold(changes, |mut changes| async move {
        match changes.recv().await {
            Ok(change) => Some((change, changes)),
            Err(RecvError::Lagged(_)) => Some((Change::Overflow, changes)),
            Err(RecvError::Closed) => None,
        }
    });
    all.filter_map(move |change| std::future::ready(concerns(&change, &dir).then_some(Ok(change))))
        .boxed()
}

fn concerns(change: &Change, dir: &Dir) -> bool {
    match change {
        Change::Stored(key) => key.is_below(dir),
        // The deletion of a directory above takes everything below with it.
        Change::Deleted(key) => {
            key.is_below(dir)
                || dir.key().is_some_and(|dir| dir == key || dir.is_below(&key.into()))
        }
        Change::Overflow => true,
    }
}
