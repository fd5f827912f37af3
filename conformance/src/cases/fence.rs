//! Fenced writes: which holder's write goes through.

use std::pin::pin;
use std::sync::Arc;

use async_trait::async_trait;
use certstore_core::{
    ErrorKind, Lock, LockName, Locker, MemoryStorage, Release, Result, SystemClock, Validity,
};

use crate::case::{Case, ensure, refused, same};
use crate::context::{Client, Context, key, name};
use crate::fault::cut_after;

/// The guard of a holder that was overtaken and does not know it yet, as after a pause just before its write.
pub(super) fn overtaken(lock: &Lock) -> Lock {
    Lock::new(
        lock.name().clone(),
        lock.token(),
        lock.locker_id().clone(),
        Validity::unlimited(Arc::new(SystemClock)),
        Box::new(NothingToRelease),
    )
}

struct NothingToRelease;

#[async_trait]
impl Release for NothingToRelease {
    async fn release(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// Two holders of one name after one another: the first one's guard, overtaken, and the second one's, held.
pub(super) async fn two_holders(
    first: &dyn Locker,
    second: &dyn Locker,
    name: &LockName,
) -> Case<(Lock, Lock)> {
    let lock = first.lock(name).await?;
    let old = overtaken(&lock);
    lock.unlock().await?;
    let new = second.lock(name).await?;
    ensure!(
        new.token() > old.token(),
        "the second holder's token {} is not over {}",
        new.token(),
        old.token()
    );
    Ok((old, new))
}

pub(crate) async fn fence_1(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let (at, lock) = (key("fenced/a"), client.lock(&name("fence-1")).await?);
    for value in [&b"first"[..], b"second", b"second", b"third"] {
        client.store_fenced(&at, value, &lock).await?;
        same("the fenced value", &*other.load(&at).await?, value)?;
    }
    lock.unlock().await?;
    let next = other.lock(&name("fence-1")).await?;
    other.store_fenced(&at, b"of the next holder", &next).await?;
    same("the next holder's value", &*client.load(&at).await?, b"of the next holder")?;
    Ok(next.unlock().await?)
}

pub(crate) async fn fence_2(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let at = key("fenced/a");
    let (old, new) = two_holders(&*client, &*other, &name("fence-2")).await?;
    other.store_fenced(&at, b"newer", &new).await?;
    for writer in [&client, &other] {
        let late = writer.store_fenced(&at, b"older", &old).await;
        refused("an older holder's write", late, ErrorKind::Fenced)?;
        same("the value after it", &*writer.load(&at).await?, b"newer")?;
    }
    Ok(new.unlock().await?)
}

pub(crate) async fn fence_3(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let (at, lock_name) = (key("fenced/a"), name("fence-3"));
    let lock = client.lock(&lock_name).await?;
    client.store_fenced(&at, b"the same bytes", &lock).await?;
    let old = overtaken(&lock);
    lock.unlock().await?;
    let new = other.lock(&lock_name).await?;
    other.store_fenced(&at, b"the same bytes", &new).await?;
    for late in [&b"the same bytes"[..], b"others"] {
        let late = client.store_fenced(&at, late, &old).await;
        refused("an older holder's write after equal bytes", late, ErrorKind::Fenced)?;
        same("the value after it", &*client.load(&at).await?, b"the same bytes")?;
    }
    Ok(new.unlock().await?)
}

pub(crate) async fn fence_4(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let at = key("fenced/a");
    let first = client.lock(&name("fence-4-x")).await?;
    let (old, second) = two_holders(&*client, &*other, &name("fence-4-y")).await?;
    client.store_fenced(&at, b"under x", &first).await?;
    other.store_fenced(&at, b"under y", &second).await?;
    same("the value under the other name", &*client.load(&at).await?, b"under y")?;
    let late = client.store_fenced(&at, b"late", &old).await;
    refused("an older holder of the name stamped last", late, ErrorKind::Fenced)?;
    client.store_fenced(&at, b"under x again", &first).await?;
    same("the value under the first name", &*other.load(&at).await?, b"under x again")?;
    first.unlock().await?;
    Ok(second.unlock().await?)
}

pub(crate) async fn fence_5(cx: &Context) -> Case {
    let client = cx.open().await?;
    let (at, lock_name) = (key("fenced/a"), name("fence-5"));
    let elsewhere = MemoryStorage::new();
    let (old, foreign) = two_holders(&elsewhere, &elsewhere.handle(), &lock_name).await?;
    let own = client.lock(&lock_name).await?;
    ensure!(own.locker_id() != foreign.locker_id(), "two lockers have one id");
    client.store_fenced(&at, b"under own", &own).await?;
    client.store_fenced(&at, b"under foreign", &foreign).await?;
    same("the value under the other locker", &*client.load(&at).await?, b"under foreign")?;
    let late = client.store_fenced(&at, b"late", &old).await;
    refused("an older holder of the locker stamped last", late, ErrorKind::Fenced)?;
    client.store_fenced(&at, b"under own again", &own).await?;
    same("the value under the first locker", &*client.load(&at).await?, b"under own again")?;
    own.unlock().await?;
    Ok(foreign.unlock().await?)
}

pub(crate) async fn fence_6(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let lock_name = name("fence-6");
    let lock = client.lock(&lock_name).await?;
    client.store_fenced(&key("fenced/a"), b"first", &lock).await?;
    let old = overtaken(&lock);
    lock.unlock().await?;
    let new = other.lock(&lock_name).await?;
    fence_6_refused(&client, &old, "over another client's holder").await?;

    // Within one client the lock may be handed on without a word to the service.
    let mut waiter = pin!(other.lock(&lock_name));
    ensure!(cut_after(waiter.as_mut(), 1).await.is_none(), "two tasks hold the lock");
    let old = overtaken(&new);
    new.unlock().await?;
    let newest = waiter.await?;
    fence_6_refused(&other, &old, "over a holder of the same client").await?;
    other.store_fenced(&key("fenced/a"), b"newest", &newest).await?;
    Ok(newest.unlock().await?)
}

async fn fence_6_refused(client: &Client, old: &Lock, what: &str) -> Case {
    for at in ["fenced/a", "fenced/never-written"] {
        let late = client.store_fenced(&key(at), b"late", old).await;
        refused(&format!("a write of {at} {what}"), late, ErrorKind::Fenced)?;
    }
    same("the value after it", &*client.load(&key("fenced/a")).await?, b"first")?;
    ensure!(!client.exists(&key("fenced/never-written")).await?, "the refused write is there");
    Ok(())
}

pub(crate) async fn fence_7(cx: &Context) -> Case {
    let client = cx.open().await?;
    let at = key("fenced/a");
    // Another locker's guards: a strict fence refuses its own locker's old ones in any case.
    let elsewhere = MemoryStorage::new();
    let (old, new) = two_holders(&elsewhere, &elsewhere.handle(), &name("fence-7")).await?;
    // That the stamp is there before is FENCE-5's.
    client.store_fenced(&at, b"newer", &new).await?;
    client.store(&at, b"plain").await?;
    client.store_fenced(&at, b"older", &old).await?;
    same("the value over a plain one", &*client.load(&at).await?, b"older")?;
    Ok(new.unlock().await?)
}

pub(crate) async fn fence_8(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let (at, missing) = (key("fenced/a"), key("fenced/missing"));
    let (old, new) = two_holders(&*client, &*other, &name("fence-8")).await?;
    other.store_fenced(&at, b"newer", &new).await?;
    let late = client.delete_fenced(&at, &old).await;
    refused("an older holder's delete", late, ErrorKind::Fenced)?;
    same("the value after it", &*client.load(&at).await?, b"newer")?;
    other.delete_fenced(&at, &new).await?;
    ensure!(!client.exists(&at).await?, "the newest holder's delete left the value");
    other.delete_fenced(&missing, &new).await?;
    other.delete_fenced(&at, &new).await?;
    Ok(new.unlock().await?)
}
