//! Watch.

use std::time::Duration;

use certstore_core::{Change, Dir, Key, Result};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;

use crate::case::{Case, Stop, ensure};
use crate::context::{Context, key, within};

const LIMIT: Duration = Duration::from_secs(20);

pub(crate) async fn watch_1(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let (dir, inside, deeper) = (Dir::new("watched")?, key("watched/a"), key("watched/deep/b"));
    client.store(&key("watched/before"), b"x").await?;
    client.store(&key("outside/before"), b"x").await?;
    let mut changes = client.watch(&dir).await?;
    for (writer, at) in [(&client, &inside), (&other, &inside), (&other, &deeper)] {
        writer.store(&key("outside/a"), b"x").await?;
        writer.store(&key("watched-not/a"), b"x").await?;
        writer.store(at, b"value").await?;
        until(&mut changes, &dir, &Change::Stored(at.clone())).await?;
    }
    other.delete(&key("outside/a")).await?;
    other.delete(&inside).await?;
    until(&mut changes, &dir, &Change::Deleted(inside)).await
}

/// Waits for a change; fails on any that lies outside `dir`.
async fn until(
    changes: &mut BoxStream<'static, Result<Change>>,
    dir: &Dir,
    expected: &Change,
) -> Case {
    loop {
        let next = within(LIMIT, &format!("no report of {expected:?}"), changes.next()).await?;
        let change = next.ok_or_else(|| Stop::failed("the stream of changes has ended"))??;
        if change == *expected {
            return Ok(());
        }
        let outside = |key: &Key| !key.is_below(dir) && dir.key() != Some(key);
        match &change {
            Change::Stored(at) | Change::Deleted(at) => {
                ensure!(!outside(at), "a change outside the watched directory is reported: {at}");
            }
            _ => return Err(Stop::failed(format!("waiting for {expected:?}, got {change:?}"))),
        }
    }
}
