//! Bundles under a lock: which holder's bundle stands.

use std::pin::pin;

use certstore_core::{ErrorKind, Fence, Key, Lock, MemoryStorage};

use super::batch::{bundle, generation, keys, plain_loads, store_generation};
use super::fence::{overtaken, two_holders};
use crate::case::{Case, ensure, refused, same};
use crate::context::{Client, Context, key, name};
use crate::fault::cut_after;

pub(crate) async fn fence_9(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let lock_name = name("fence-9");
    let lock = client.lock(&lock_name).await?;
    for stored in 1..=3 {
        store_generation(&client, "fenced", stored, Some(&lock)).await?;
        same("the bundle", &bundle(&other, "fenced").await?, &Some(stored))?;
        for (part, at) in keys("fenced").iter().enumerate() {
            same("a value of it", &generation(&other.load(at).await?, part)?, &stored)?;
        }
    }
    bad_sets(&client, &lock).await?;
    lock.unlock().await?;
    // Another locker's guards: of its own locker's, a strict fence refuses the older one whatever the stamp.
    let elsewhere = MemoryStorage::new();
    let (old, new) = two_holders(&elsewhere, &elsewhere.handle(), &lock_name).await?;
    store_generation(&other, "fenced", 4, Some(&new)).await?;
    for at in keys("fenced") {
        let late = client.store_fenced(&at, b"late", &old).await;
        refused(&format!("an older holder's write of {at}"), late, ErrorKind::Fenced)?;
    }
    same("the bundle after it", &bundle(&client, "fenced").await?, &Some(4))?;
    Ok(new.unlock().await?)
}

async fn bad_sets(client: &Client, lock: &Lock) -> Case {
    let (a, b, elsewhere) = (key("bundle/a"), key("bundle/b"), key("elsewhere/c"));
    let bad: [Vec<&Key>; 3] = [Vec::new(), vec![&a, &b, &a], vec![&a, &elsewhere]];
    for keys in bad {
        let items: Vec<(&Key, &[u8])> = keys.iter().map(|key| (*key, &b"x"[..])).collect();
        let stored = client.store_all_fenced(&items, lock).await;
        refused("a fenced store of a bad set", stored, ErrorKind::InvalidKey)?;
        for at in [&a, &elsewhere] {
            ensure!(!client.exists(at).await?, "a refused store wrote {at}");
        }
    }
    Ok(())
}

pub(crate) async fn fence_10(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let (old, new) = two_holders(&*client, &*other, &name("fence-10")).await?;
    let strict = cx.capabilities().fence == Fence::Strict;
    if strict {
        let late = store_generation(&client, "acquired", 1, Some(&old)).await;
        refused("a bundle after a newer holder has the lock", late, ErrorKind::Fenced)?;
        nothing_at(&client, &keys("acquired")).await?;
    }
    // The newer holder has written one of the three, whichever.
    for part in 0..3 {
        let dir = format!("fenced/{part}");
        let (mut at, written) = (keys(&dir).to_vec(), keys(&dir)[part].clone());
        other.store_fenced(&written, b"newer", &new).await?;
        let late = store_generation(&client, &dir, 1, Some(&old)).await;
        refused(&format!("an older holder's bundle over {written}"), late, ErrorKind::Fenced)?;
        same("the newer holder's value", &*client.load(&written).await?, b"newer")?;
        at.retain(|at| *at != written);
        nothing_at(&other, &at).await?;
    }
    Ok(new.unlock().await?)
}

async fn nothing_at(client: &Client, keys: &[Key]) -> Case {
    for at in keys {
        ensure!(!client.exists(at).await?, "a refused bundle wrote {at}");
        let found = client.load_bundle(&[at]).await;
        refused(&format!("a bundle of {at} that nobody stored"), found, ErrorKind::NotFound)?;
    }
    Ok(())
}

/// After how many awaits the older holder is stopped: near the beginning at each, where a bundle is announced.
const STOPS: [usize; 9] = [1, 2, 3, 5, 8, 13, 21, 34, 55];

/// A holder stops in the middle of its bundle, and goes on when a newer one has stored its own, or was cut in that.
pub(crate) async fn fence_11(cx: &Context) -> Case {
    for stop in STOPS {
        if fence_11_once(cx, &format!("overtaken/{stop}"), stop, usize::MAX).await? {
            break;
        }
    }
    for newer in [3, 8, 21] {
        for stop in [3, 8, 21] {
            fence_11_once(cx, &format!("cut/{newer}-{stop}"), stop, newer).await?;
        }
    }
    Ok(())
}

/// Whether the older holder was done before it could be stopped.
async fn fence_11_once(cx: &Context, dir: &str, polls: usize, newer_polls: usize) -> Case<bool> {
    let (client, other) = cx.open_two().await?;
    let lock_name = name(dir);
    let lock = client.lock(&lock_name).await?;
    store_generation(&client, dir, 1, Some(&lock)).await?;
    let old = overtaken(&lock);
    let mut late = pin!(store_generation(&client, dir, 2, Some(&old)));
    let ended = cut_after(late.as_mut(), polls).await;
    lock.unlock().await?;
    let new = other.lock(&lock_name).await?;
    let newer = cut_after(store_generation(&other, dir, 3, Some(&new)), newer_polls).await;
    let whole = newer.transpose()?.is_some();
    if whole {
        same("the newer holder's bundle", &bundle(&other, dir).await?, &Some(3))?;
    }
    let done = ended.is_some();
    match ended {
        Some(stored) => stored?,
        None => overtaken_in_the_middle(late.await)?,
    }
    for reader in [&client, &other] {
        let found = bundle(reader, dir).await?;
        if whole {
            same("the bundle after the older holder went on", &found, &Some(3))?;
        }
    }
    store_generation(&other, dir, 4, Some(&new)).await?;
    same("the next bundle", &bundle(&client, dir).await?, &Some(4))?;
    plain_loads(&client, dir, &[0, 1, 2]).await?;
    new.unlock().await?;
    Ok(done)
}

/// It may have been through with its last write, and else is told.
fn overtaken_in_the_middle(stored: certstore_core::Result<()>) -> Case {
    match stored {
        Err(error)
            if !matches!(
                error.kind(),
                ErrorKind::Fenced | ErrorKind::Conflict | ErrorKind::Unavailable
            ) =>
        {
            Err(error.into())
        }
        _ => Ok(()),
    }
}
