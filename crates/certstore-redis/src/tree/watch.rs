//! Changes as the server publishes them.

use std::sync::Arc;

use certstore_core::{Change, Dir, Error, Key, Result};
use futures_util::stream::{self, BoxStream, StreamExt as _};
use tokio::sync::broadcast::error::RecvError;

use super::TreeStorage;
use crate::connection::{Connection, Notice};

impl TreeStorage {
    pub(super) async fn changes_below(
        &self,
        dir: &Dir,
    ) -> Result<BoxStream<'static, Result<Change>>> {
        if self.changes.is_empty() {
            return Err(Error::unsupported(
                "a cluster, or wake = \"none\", cannot report changes; list again from time to time",
            ));
        }
        let notices = self.connection.notices();
        self.connection.subscribe(self.changes.as_bytes()).await?;
        let channel: Arc<[u8]> = self.changes.as_bytes().into();
        let dir = dir.clone();
        // The connection lives as long as the stream: without it nobody would reconnect.
        let state: (_, Connection) = (notices, self.connection.clone());
        let changes = stream::unfold(state, |(mut notices, connection)| async move {
            let change = match notices.recv().await {
                Ok(Notice::Message { channel, payload }) => Some((channel, payload)),
                Ok(Notice::Reconnected) | Err(RecvError::Lagged(_)) => None,
                Err(RecvError::Closed) => return None,
            };
            Some((change, (notices, connection)))
        });
        let concerning = changes.filter_map(move |found| {
            let change = match found {
                None => Some(Change::Overflow),
                Some((from, payload)) => change(&payload, &dir).filter(|_| from == channel),
            };
            std::future::ready(change.map(Ok))
        });
        Ok(concerning.boxed())
    }
}

/// What a message tells of `dir`.
fn change(payload: &[u8], dir: &Dir) -> Option<Change> {
    let (what, rest) = payload.split_first()?;
    let key = std::str::from_utf8(rest).ok().and_then(|key| Key::new(key).ok())?;
    let is_below = key.is_below(dir);
    // What happens to a directory above happens to everything below.
    let is_above = dir.key().is_some_and(|dir| *dir == key || dir.is_below(&(&key).into()));
    match what {
        b's' if is_below => Some(Change::Stored(key)),
        b'd' if is_below || is_above => Some(Change::Deleted(key)),
        // Some of what lay below is deleted, and the rest not yet.
        b'p' if is_below || is_above => Some(Change::Overflow),
        _ => None,
    }
}
