//! List: which keys, in which order, and which never.

use std::collections::BTreeSet;

use certstore_core::{Dir, ErrorKind, Fence, Key};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::case::{Case, Stop, ensure, refused, same};
use crate::context::{Client, Context, key, name};
use crate::fault::cut_after;

/// Values whose names sort differently by component, by byte, and with a trailing slash.
const VALUES: [&str; 9] =
    ["a-b/y", "a.b", "a/b", "a/c/d", "a/c/e/f", "a/c-/g", "a0/x", "ab/x", "z"];

/// The directories above them.
const DIRS: [&str; 7] = ["a", "a-b", "a/c", "a/c-", "a/c/e", "a0", "ab"];

async fn tree(cx: &Context) -> Case<Client> {
    let client = cx.open().await?;
    for at in VALUES {
        client.store(&key(at), at.as_bytes()).await?;
    }
    Ok(client)
}

fn set(keys: &[&str]) -> BTreeSet<Key> {
    keys.iter().map(|at| key(at)).collect()
}

async fn listed(client: &Client, dir: &str, recursive: bool) -> Case<BTreeSet<Key>> {
    Ok(client.list(&Dir::new(dir)?, recursive).await?.into_iter().collect())
}

pub(crate) async fn list_1(cx: &Context) -> Case {
    let client = tree(cx).await?;
    let root = set(&["a", "a-b", "a.b", "a0", "ab", "z"]);
    same("the root", &listed(&client, "", false).await?, &root)?;
    same("a", &listed(&client, "a", false).await?, &set(&["a/b", "a/c", "a/c-"]))?;
    same("a/c", &listed(&client, "a/c", false).await?, &set(&["a/c/d", "a/c/e"]))
}

pub(crate) async fn list_2(cx: &Context) -> Case {
    let client = tree(cx).await?;
    let all: BTreeSet<Key> = VALUES.iter().chain(&DIRS).map(|at| key(at)).collect();
    same("the root", &listed(&client, "", true).await?, &all)?;
    let a = set(&["a/b", "a/c", "a/c-", "a/c-/g", "a/c/d", "a/c/e", "a/c/e/f"]);
    same("a", &listed(&client, "a", true).await?, &a)?;
    same("a/c/e", &listed(&client, "a/c/e", true).await?, &set(&["a/c/e/f"]))
}

pub(crate) async fn list_3(cx: &Context) -> Case {
    let client = tree(cx).await?;
    for dir in ["", "a", "a/c"] {
        for recursive in [false, true] {
            let keys = client.list(&Dir::new(dir)?, recursive).await?;
            let names: Vec<&str> = keys.iter().map(Key::as_str).collect();
            let ordered = names.windows(2).all(|pair| pair[0].as_bytes() < pair[1].as_bytes());
            ensure!(
                ordered,
                "the list of {dir:?} (recursive: {recursive}) is out of order or has a key twice: {names:?}"
            );
            let relative = names.iter().all(|name| name.starts_with(dir));
            ensure!(relative, "the list of {dir:?} is not relative to the storage: {names:?}");
        }
    }
    Ok(())
}

pub(crate) async fn list_4(cx: &Context) -> Case {
    let client = cx.open().await?;
    for recursive in [false, true] {
        let empty = client.list(&Dir::ROOT, recursive).await;
        let empty = empty
            .map_err(|error| Stop::failed(format!("the root of an empty store: {error:?}")))?;
        same("an empty store", &empty, &Vec::<Key>::new())?;
    }
    client.store(&key("value"), b"x").await?;
    same("the root", &client.list(&Dir::ROOT, false).await?, &vec![key("value")])
}

pub(crate) async fn list_5(cx: &Context) -> Case {
    let client = tree(cx).await?;
    for missing in ["missing", "a/missing", "missing/deep"] {
        for recursive in [false, true] {
            let list = client.list(&Dir::new(missing)?, recursive).await;
            refused(&format!("list of {missing}"), list, ErrorKind::NotFound)?;
        }
    }
    Ok(())
}

pub(crate) async fn list_6(cx: &Context) -> Case {
    let client = tree(cx).await?;
    for value in ["z", "a.b", "a/c/d"] {
        for recursive in [false, true] {
            let list = client.list(&Dir::new(value)?, recursive).await?;
            same(&format!("the list of the value {value}"), &list, &Vec::<Key>::new())?;
        }
    }
    Ok(())
}

pub(crate) async fn list_7(cx: &Context) -> Case {
    let client = cx.open().await?;
    let values: Vec<Key> = (0..2_500).map(|n| key(&format!("many/key-{n:04}"))).collect();
    let store = |at: &Key| {
        let (client, at) = (client.clone(), at.clone());
        async move { client.store(&at, b"value").await.map(drop) }
    };
    let stores = stream::iter(values.iter().map(store)).buffer_unordered(32);
    stores.try_collect::<()>().await?;
    let expected: BTreeSet<Key> = values.iter().cloned().collect();
    for recursive in [false, true] {
        let found = listed(&client, "many", recursive).await?;
        let missing = expected.difference(&found).count();
        let foreign = found.difference(&expected).count();
        ensure!(
            missing == 0 && foreign == 0,
            "of 2,500 keys {missing} are missing, {foreign} are foreign (recursive: {recursive})"
        );
    }
    Ok(())
}

pub(crate) async fn list_8(cx: &Context) -> Case {
    let client = cx.open().await?;
    let lock = client.lock(&name("list-8")).await?;
    client.store(&key("dir/plain"), b"x").await?;
    client.store_all(&[(&key("dir/a"), b"1"), (&key("dir/b"), b"2")]).await?;
    let mut expected = set(&["dir", "dir/plain", "dir/a", "dir/b"]);
    if cx.capabilities().fence != Fence::None {
        client.store_fenced(&key("dir/fenced"), b"x", &lock).await?;
        expected.extend(set(&["dir/fenced"]));
    }
    for polls in 1..8 {
        // What a dropped store leaves behind may be seen, but not in a list.
        drop(cut_after(client.store(&key("dir/a"), &[1; 5_000]), polls).await);
        let both: [(&Key, &[u8]); 2] = [(&key("dir/a"), b"1"), (&key("dir/b"), b"2")];
        drop(cut_after(client.store_all(&both), polls).await);
        if cx.capabilities().fence != Fence::None {
            drop(cut_after(client.store_all_fenced(&both, &lock), polls).await);
        }
        nothing_else(&client, &expected, "while a lock is held").await?;
    }
    lock.unlock().await?;
    nothing_else(&client, &expected, "after the unlock").await
}

async fn nothing_else(client: &Client, expected: &BTreeSet<Key>, when: &str) -> Case {
    for recursive in [false, true] {
        let shown = listed(client, "", recursive).await?;
        let foreign: Vec<&Key> = shown.difference(expected).collect();
        ensure!(foreign.is_empty(), "{when} the root shows {foreign:?} (recursive: {recursive})");
    }
    Ok(())
}

pub(crate) async fn list_9(cx: &Context) -> Case {
    let client = tree(cx).await?;
    let dir = Dir::new("a")?;
    for recursive in [false, true] {
        for at in client.list(&dir, recursive).await? {
            ensure!(at.is_below(&dir), "the list of a shows {at}");
        }
    }
    for at in client.list(&Dir::new("a/c")?, true).await? {
        ensure!(at.as_str().starts_with("a/c/"), "the list of a/c shows {at}");
    }
    Ok(())
}
