//! Keys: which work, which are refused, what a prefix is.

use certstore_core::{Dir, Error, ErrorKind, Key, MAX_COMPONENT, MAX_KEY, Tree};

use crate::case::{Case, Stop, ensure, refused, same};
use crate::context::{Context, key};

/// Text that is no key, and a word that its refusal must contain.
fn bad_keys() -> Vec<(String, &'static str)> {
    let mut bad: Vec<(String, &'static str)> = [
        ("", "empty"),
        ("/a", "slash"),
        ("a/", "slash"),
        ("/", "slash"),
        ("a//b", "empty component"),
        (".", "\".\""),
        ("..", "\"..\""),
        ("../etc/passwd", "\"..\""),
        ("a/../b", "\"..\""),
        ("a/./b", "\".\""),
        ("a/..", "\"..\""),
        ("a.", "dot"),
        ("a./b", "dot"),
        ("a\0b", "characters"),
        ("a\nb", "characters"),
        ("a\u{1}b", "characters"),
        ("a\u{7f}b", "characters"),
        ("a\\b", "characters"),
        ("C:a", "characters"),
        ("a:b", "characters"),
        ("a ", "characters"),
        (" a", "characters"),
        ("a~b", "characters"),
        ("a*b", "characters"),
        ("a%2eb", "characters"),
        ("b\u{fc}cher", "characters"),
        ("COM\u{b9}", "characters"),
    ]
    .map(|(bad, rule)| (bad.to_owned(), rule))
    .into();
    bad.push(("c".repeat(MAX_COMPONENT + 1), "bytes"));
    bad.push((format!("{}/x", "c".repeat(300)), "bytes"));
    bad.push((longest_key().as_str().to_owned() + "x", "bytes"));
    bad
}

/// A key of 1,000 bytes.
fn longest_key() -> Key {
    let component = "k".repeat(199);
    let longest = format!("{0}/{0}/{0}/{0}/{1}", component, "k".repeat(200));
    debug_assert_eq!(longest.len(), MAX_KEY);
    key(&longest)
}

pub(crate) async fn key_1(cx: &Context) -> Case {
    for (bad, rule) in bad_keys() {
        for (what, result) in [("key", Key::new(&bad)), ("join", key("x").join(&bad))] {
            let error = refused(&format!("{what} {bad:?}"), result, ErrorKind::InvalidKey)?;
            let names = what == "join" || error.message().contains(rule);
            ensure!(names, "the refusal of {bad:?} does not name its rule ({rule}): {error}");
            ensure!(!error.to_string().contains('\n'), "the refusal of {bad:?} is not one line");
        }
    }
    let client = cx.open().await?;
    let good = [
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "0123456789",
        "acme_account+key",
        "example.com+rsa",
        "user@example.com",
        "a=b",
        ".hidden/-dash/_under",
        "certificates/acme-v02.api.letsencrypt.org-directory/aux.example.com/aux.example.com.crt",
        "a..b/c...d",
    ];
    for good in good {
        let good = Key::new(good)?;
        client.store(&good, good.as_str().as_bytes()).await?;
    }
    for good in good {
        let loaded = client.load(&key(good)).await?;
        same(&format!("the value of {good}"), &*loaded, good.as_bytes())?;
        let siblings = client.list(&key(good).parent(), false).await?;
        ensure!(
            siblings.contains(&key(good)),
            "{good} is not listed as it was spelled: {siblings:?}"
        );
    }
    Ok(())
}

pub(crate) async fn key_2(cx: &Context) -> Case {
    let dir = Dir::from(key("a"));
    for below in ["a/b", "a/b/c", "a/-"] {
        ensure!(key(below).is_below(&dir), "{below} does not count as below a");
    }
    for beside in ["a", "ab", "ab/c", "a-b", "a-b/c", "a.b/c", "A/b"] {
        ensure!(!key(beside).is_below(&dir), "{beside} counts as below a");
    }
    let client = cx.open().await?;
    for beside in ["ab/c", "a-b", "a.b/c"] {
        client.store(&key(beside), b"beside").await?;
    }
    ensure!(!client.exists(&key("a")).await?, "a exists because ab/c, a-b and a.b/c do");
    ensure!(!client.exists(&key("a.b/cc")).await?, "a.b/cc exists because a.b/c does");
    Ok(())
}

pub(crate) async fn key_3(cx: &Context) -> Case {
    for reserved in ["locks", "locks/a", "locks/issue_cert_example.com.lock"] {
        refused(&format!("key {reserved:?}"), Key::new(reserved), ErrorKind::InvalidKey)?;
        refused(&format!("directory {reserved:?}"), Dir::new(reserved), ErrorKind::InvalidKey)?;
        refused(
            &format!("key {reserved:?} in the root"),
            Dir::ROOT.join(reserved),
            ErrorKind::InvalidKey,
        )?;
    }
    let client = cx.open().await?;
    for free in ["a/locks", "b/locks/c", "lockstep/a", "locks.d/a", "locks.txt"] {
        client.store(&key(free), free.as_bytes()).await?;
        same(&format!("the value of {free}"), &*client.load(&key(free)).await?, free.as_bytes())?;
        let siblings = client.list(&key(free).parent(), false).await?;
        ensure!(siblings.contains(&key(free)), "{free} is not listed: {siblings:?}");
    }
    Ok(())
}

pub(crate) async fn key_4(cx: &Context) -> Case {
    match cx.capabilities().tree {
        Tree::Exclusive => key_4_exclusive(cx).await,
        Tree::Overlapping => key_4_overlapping(cx).await,
        other => Err(Stop::not_supported(format!("the suite has no case for tree: {other:?}"))),
    }
}

async fn key_4_exclusive(cx: &Context) -> Case {
    let client = cx.open().await?;
    let (file, below) = (key("file/value"), key("file/value/below"));
    client.store(&file, b"file").await?;
    refused("store below a value", client.store(&below, b"x").await, ErrorKind::Conflict)?;
    refused(
        "batch store below a value",
        client.store_all(&[(&below, b"x")]).await,
        ErrorKind::Conflict,
    )?;
    same("the value above", &*client.load(&file).await?, b"file")?;
    ensure!(!client.exists(&below).await?, "the refused store wrote {below}");

    let (dir, inside) = (key("dir/sub"), key("dir/sub/value"));
    client.store(&inside, b"inside").await?;
    refused("store over a directory", client.store(&dir, b"x").await, ErrorKind::Conflict)?;
    same("the value inside", &*client.load(&inside).await?, b"inside")?;
    same("the directory", &client.list(&Dir::from(&dir), false).await?, &vec![inside])
}

async fn key_4_overlapping(cx: &Context) -> Case {
    let client = cx.open().await?;
    let (file, below) = (key("both/x"), key("both/x/below"));
    client.store(&file, b"file").await?;
    client.store(&below, b"below").await?;
    same("the value above", &*client.load(&file).await?, b"file")?;
    same("the value below", &*client.load(&below).await?, b"below")?;
    ensure!(client.stat(&file).await?.is_terminal, "stat does not give the value");
    same("the list above", &client.list(&Dir::new("both")?, false).await?, &vec![file.clone()])?;
    same("the list below", &client.list(&Dir::from(&file), false).await?, &vec![below.clone()])?;
    client.delete(&file).await?;
    ensure!(
        !client.exists(&file).await? && !client.exists(&below).await?,
        "a delete left one of the two"
    );
    Ok(())
}

pub(crate) async fn key_5(cx: &Context) -> Case {
    let client = cx.open().await?;
    let component = key(&"c".repeat(MAX_COMPONENT));
    for long in [component, longest_key()] {
        match client.store(&long, b"long").await {
            Ok(_) => {
                same("the value of a long key", &*client.load(&long).await?, b"long")?;
                ensure!(client.exists(&long).await?, "a long key was stored and does not exist");
                client.delete(&long).await?;
            }
            Err(error) => long_refused(cx, long.as_str().len(), &error)?,
        }
    }
    Ok(())
}

fn long_refused(cx: &Context, length: usize, error: &Error) -> Case {
    let named = error.message().chars().any(|c| c.is_ascii_digit());
    ensure!(
        error.kind() == ErrorKind::InvalidKey && named,
        "a key of {length} bytes must work or be InvalidKey naming the limit: {error:?}"
    );
    cx.note(format!("a key of {length} bytes does not fit: {}", error.message()));
    Ok(())
}
