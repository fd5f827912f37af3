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
                Ok(Notice::Message { channel, payload }) => Some((channel, change(&payload))),
                Ok(Notice::Reconnected) | Err(RecvError::Lagged(_)) => None,
                Err(RecvError::Closed) => return None,
            };
            Some((change, (notices, connection)))
        });
        let concerning = changes.filter_map(move |found| {
            let change = match found {
                None => Some(Change::Overflow),
                Some((from, change)) => {
                    change.filter(|change| from == channel && concerns(change, &dir))
                }
            };
            std::future::ready(change.map(Ok))
        });
        Ok(concerning.boxed())
    }
}

fn change(payload: &[u8]) -> Option<Change> {
    let key = |bytes| std::str::from_utf8(bytes).ok().and_then(|key| Key::new(key).ok());
    match payload.split_first()? {
        (b's', rest) => key(rest).map(Change::Stored),
        (b'd', rest) => key(rest).map(Change::Deleted),
        _ => None,
    }
}

fn concerns(change: &Change, dir: &Dir) -> bool {
    match change {
        Change::Stored(key) => key.is_below(dir),
        // The deletion of a directory above takes everything below with it.
        Change::Deleted(key) => {
            key.is_below(dir)
                || dir.key().is_some_and(|dir| dir == key || dir.is_below(&key.into()))
        }
        _ => true,
    }
}
