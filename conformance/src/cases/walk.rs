//! Walk: the recursive list as a stream.

use certstore_core::{Dir, ErrorKind, Key, KeyInfo};
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::case::{Case, Stop, ensure, refused, same};
use crate::context::{Client, Context, key};

pub(crate) async fn walk_1(cx: &Context) -> Case {
    let client = cx.open().await?;
    let long = cx.at_most(70_000);
    for (at, len) in [("a-b/y", 3), ("a/b", 10), ("a/c/d", 1_000), ("a0", 1), ("z", long)] {
        client.store(&key(at), &vec![7; len]).await?;
    }
    for dir in ["", "a", "a/c"] {
        let dir = Dir::new(dir)?;
        let walked: Vec<KeyInfo> = client.walk(&dir).try_collect().await?;
        let keys: Vec<Key> = walked.iter().map(|info| info.key.clone()).collect();
        same(&format!("the walk of {dir:?}"), &keys, &client.list(&dir, true).await?)?;
        for info in &walked {
            agrees(&client, info).await?;
        }
    }
    Ok(())
}

/// A walk may leave out what would cost a request each; what it tells must be what `stat` tells.
async fn agrees(client: &Client, walked: &KeyInfo) -> Case {
    let stat = client.stat(&walked.key).await?;
    same(&format!("is_terminal of {}", walked.key), &walked.is_terminal, &stat.is_terminal)?;
    if walked.size.is_some() {
        same(&format!("the size of {}", walked.key), &walked.size, &stat.size)?;
    }
    if walked.version.is_some() {
        same(&format!("the version of {}", walked.key), &walked.version, &stat.version)?;
    }
    if let (true, Some(one), Some(other)) = (stat.is_terminal, walked.modified, stat.modified) {
        // Services give whole seconds in one answer and fractions in the other.
        let apart =
            one.duration_since(other).or_else(|_| other.duration_since(one)).unwrap_or_default();
        ensure!(
            apart.as_millis() <= 1_000,
            "walk and stat of {} tell times {apart:?} apart",
            walked.key
        );
    }
    Ok(())
}

pub(crate) async fn walk_2(cx: &Context) -> Case {
    let client = cx.open().await?;
    client.store(&key("a/b"), b"x").await?;
    for missing in ["missing", "a/missing"] {
        let mut walk = client.walk(&Dir::new(missing)?);
        let first = walk.next().await;
        let first = first.ok_or_else(|| Stop::failed(format!("the walk of {missing} is empty")))?;
        refused(&format!("the walk of {missing}"), first, ErrorKind::NotFound)?;
        ensure!(walk.next().await.is_none(), "the walk of {missing} goes on after its error");
    }
    Ok(())
}
