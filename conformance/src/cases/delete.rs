//! Delete: a value, a subtree, and nothing else.

use certstore_core::{Dir, ErrorKind, Key, Tree, Version};

use crate::case::{Case, ensure, refused, same};
use crate::context::{Client, Context, key};

async fn store_each(client: &Client, keys: &[&str]) -> Case {
    for at in keys {
        client.store(&key(at), at.as_bytes()).await?;
    }
    Ok(())
}

async fn ensure_gone(client: &Client, at: &Key) -> Case {
    ensure!(client.load(at).await.is_err(), "the deleted {at} still has a value");
    ensure!(!client.exists(at).await?, "the deleted {at} still exists");
    Ok(())
}

pub(crate) async fn delete_1(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    client.store(&key("keep/value"), b"stays").await?;
    for at in ["top", "dir/value", "dir/deep/er/value"].map(key) {
        for round in 0..2 {
            client.store(&at, b"value").await?;
            client.delete(&at).await?;
            for client in [&client, &other] {
                ensure_gone(client, &at).await?;
            }
            let left = client.list(&Dir::ROOT, true).await?;
            ensure!(!left.contains(&at), "the deleted {at} is still listed in round {round}");
        }
    }
    Ok(())
}

pub(crate) async fn delete_2(cx: &Context) -> Case {
    let client = cx.open().await?;
    client.store(&key("dir/value"), b"value").await?;
    for missing in ["missing", "dir/missing", "missing/deep/er", "dir/value"] {
        client.delete(&key(missing)).await?;
        client.delete(&key(missing)).await?;
    }
    Ok(())
}

pub(crate) async fn delete_3(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let below = ["a/1", "a/b/2", "a/b/c/3", "a/b/c/d/4", "a/e/5"];
    store_each(&client, &below).await?;
    store_each(&client, &["b/1"]).await?;
    client.delete(&key("a")).await?;
    let dirs = ["a", "a/b", "a/b/c", "a/b/c/d", "a/e"];
    for at in below.iter().chain(&dirs) {
        ensure_gone(&client, &key(at)).await?;
    }
    let at_once = cx.lists_at_once();
    for at in below.iter().chain(dirs.iter().filter(|_| at_once)) {
        ensure_gone(&other, &key(at)).await?;
    }
    let left = client.list(&Dir::ROOT, true).await?;
    let right = left.iter().all(|at| at.as_str().starts_with('b'));
    ensure!(right, "the delete of a left {left:?}");
    same("the value beside", &*client.load(&key("b/1")).await?, b"b/1")
}

pub(crate) async fn delete_4(cx: &Context) -> Case {
    let client = cx.open().await?;
    let neighbours = ["ab", "a-b", "a.b/c", "a=/d", "b", "aa/a"];
    store_each(&client, &neighbours).await?;
    store_each(&client, &["a/x", "a/y"]).await?;
    client.delete(&key("a")).await?;
    store_each(&client, &["f/x", "f/xy", "f/x-y"]).await?;
    client.delete(&key("f/x")).await?;
    for at in neighbours.iter().chain(&["f/xy", "f/x-y"]) {
        same(&format!("the neighbour {at}"), &*client.load(&key(at)).await?, at.as_bytes())?;
    }
    Ok(())
}

pub(crate) async fn delete_5(cx: &Context) -> Case {
    let client = cx.open().await?;
    store_each(&client, &["d/e/1", "d/e/2", "keep/1"]).await?;
    client.delete(&key("d/e/1")).await?;
    same("a directory with a value left", &*client.load(&key("d/e/2")).await?, b"d/e/2")?;
    client.delete(&key("d/e/2")).await?;
    for dir in ["d/e", "d"] {
        ensure!(!client.exists(&key(dir)).await?, "the directory {dir} outlived its last value");
    }
    let left = client.list(&Dir::ROOT, true).await?;
    let right = left.iter().all(|at| at.as_str().starts_with("keep"));
    ensure!(right, "a directory outlived its last value in the list: {left:?}");
    // The same name can be a value now.
    store_each(&client, &["d"]).await
}

async fn version(client: &Client, at: &Key) -> Case<Version> {
    Ok(client.load_versioned(at).await?.version)
}

pub(crate) async fn deleteif_1(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let (at, below) = (key("dir/value"), key("dir/value/below"));
    store_each(&client, &["dir/value", "dir/beside"]).await?;
    let overlapping = cx.capabilities().tree == Tree::Overlapping;
    if overlapping {
        client.store(&below, b"below").await?;
    }
    client.delete_if(&at, &version(&other, &at).await?).await?;
    ensure!(client.load(&at).await.is_err(), "the value is still there");
    same("the value beside", &*client.load(&key("dir/beside")).await?, b"dir/beside")?;
    if overlapping {
        same("the value below", &*client.load(&below).await?, b"below")?;
    }
    Ok(())
}

pub(crate) async fn deleteif_2(cx: &Context) -> Case {
    let client = cx.open().await?;
    let (at, missing) = (key("dir/value"), key("dir/missing"));
    client.store(&at, b"old").await?;
    let old = version(&client, &at).await?;
    client.store(&at, b"new").await?;
    refused("a delete of another version", client.delete_if(&at, &old).await, ErrorKind::Conflict)?;
    same("the value after it", &*client.load(&at).await?, b"new")?;
    refused(
        "a delete without a value",
        client.delete_if(&missing, &old).await,
        ErrorKind::Conflict,
    )?;
    let dir = client.delete_if(&key("dir"), &old).await;
    refused("a conditional delete of a directory", dir, ErrorKind::Conflict)?;
    same("the value below it", &*client.load(&at).await?, b"new")
}
