//! Holders that die or stand still.

use std::time::{Duration, Instant};

use certstore_core::{Fence, Lock, LockName};

use crate::case::{Case, Stop, ensure, same};
use crate::context::{Client, Context, ensure_held, key, name, within};
use crate::peer::Peer;

pub(crate) async fn lock_8(cx: &Context) -> Case {
    let (client, dead) = (cx.open().await?, name("lock-8"));
    let mut holder = cx.mortal().await?;
    holder.lock("lock-8", cx.takeover_limit()).await?;
    holder.kill().await?;
    let lock = client.lock(&dead);
    let lock = within(cx.takeover_limit(), "the lock of a killed holder", lock).await??;
    lock.check()?;
    Ok(lock.unlock().await?)
}

pub(crate) async fn trylock_2(cx: &Context) -> Case {
    let client = cx.open().await?;
    let taken = name("trylock-2");
    let mut holder = cx.mortal().await?;
    holder.lock("trylock-2", cx.takeover_limit()).await?;
    holder.kill().await?;
    let pause = cx.capabilities().lease.map_or(Duration::from_millis(10), |lease| lease / 20);
    let tries = async {
        loop {
            if let Some(lock) = client.try_lock(&taken).await? {
                return Ok::<Lock, Stop>(lock);
            }
            tokio::time::sleep(pause).await;
        }
    };
    let lock =
        within(cx.takeover_limit(), "repeated tries of a killed holder's lock", tries).await??;
    Ok(lock.unlock().await?)
}

pub(crate) async fn lock_9(cx: &Context) -> Case {
    match cx.capabilities().lease {
        Some(lease) => lock_9_lease(cx, lease).await,
        None => lock_9_kept(cx).await,
    }
}

/// A client that can be stopped: a process where there are processes, else a thread.
pub(super) async fn stoppable(cx: &Context) -> Case<Peer> {
    if cx.has_processes() { cx.process().await } else { cx.thread().await }
}

async fn lock_9_lease(cx: &Context, lease: Duration) -> Case {
    let (client, other) = cx.open_two().await?;
    let (lock_name, at) = (name("lock-9"), key("fenced/value"));
    let fenced = cx.capabilities().fence != Fence::None;
    let mut holder = stoppable(cx).await?;
    holder.lock("lock-9", cx.takeover_limit()).await?;
    if fenced {
        holder.ask("fenced fenced/value first").await?.ok("the holder's fenced write")?;
    }
    let waiter = waiting(&client, &lock_name);
    let paused = Instant::now();
    holder.pause().await?;
    let lock = within(cx.takeover_limit(), "the lock of a paused holder", waiter).await???;
    if fenced {
        // Equal bytes: a fence that looks at the content alone would not see this write.
        client.store_fenced(&at, b"first", &lock).await?;
    }
    tokio::time::sleep((lease + lease / 10).saturating_sub(paused.elapsed())).await;
    holder.resume()?;
    let check = holder.ask("check").await?;
    check.refused("the check of a holder that wakes", &["lock-lost", "unavailable"])?;
    if fenced {
        for late in ["first", "late"] {
            let write = holder.ask(&format!("fenced fenced/value {late}")).await?;
            write.refused(
                "the fenced write of a holder that wakes",
                &["lock-lost", "fenced", "unavailable"],
            )?;
        }
        same("the value after it", &*client.load(&at).await?, b"first")?;
    }
    holder.ask("unlock").await?.refused("the unlock of a holder that wakes", &["lock-lost"])?;
    lock.check()?;
    ensure_held(&other, &lock_name, "after the unlock of a holder that had lost it").await?;
    Ok(lock.unlock().await?)
}

/// Without leases a paused holder keeps the lock.
async fn lock_9_kept(cx: &Context) -> Case {
    let client = cx.open().await?;
    let lock_name = name("lock-9");
    let mut holder = stoppable(cx).await?;
    holder.lock("lock-9", cx.takeover_limit()).await?;
    holder.pause().await?;
    for _ in 0..10 {
        ensure_held(&client, &lock_name, "while the holder is paused").await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    holder.resume()?;
    holder.ask("check").await?.ok("the check of a holder that wakes")?;
    ensure_held(&client, &lock_name, "after the holder woke").await?;
    holder.ask("unlock").await?.ok("the unlock of a holder that wakes")?;
    let lock =
        within(cx.takeover_limit(), "the lock after its unlock", client.lock(&lock_name)).await??;
    Ok(lock.unlock().await?)
}

pub(super) type Waiter = tokio::task::JoinHandle<certstore_core::Result<Lock>>;

/// A task that waits for the lock from now on.
pub(super) fn waiting(client: &Client, name: &LockName) -> Waiter {
    let (client, name) = (client.clone(), name.clone());
    tokio::spawn(async move { client.lock(&name).await })
}

pub(crate) async fn lost_1(cx: &Context) -> Case {
    if cx.capabilities().lease.is_none() {
        let why = "without leases a lock has no deadline; a broken one is BREAK-2's";
        return Err(Stop::not_supported(why));
    }
    // A machine that stands still delays a timer past the takeover, but hardly three times.
    for _ in 0..2 {
        if lost_1_signalled(cx).await? {
            return Ok(());
        }
    }
    let signalled = lost_1_signalled(cx).await?;
    ensure!(signalled, "somebody else holds the lock, and the loss was not signalled before");
    Ok(())
}

/// Whether the loss was signalled before somebody else had the lock. The rest must hold every time.
async fn lost_1_signalled(cx: &Context) -> Case<bool> {
    let client = cx.open().await?;
    let mut holder = cx.thread().await?;
    holder.lock("lost-1", cx.takeover_limit()).await?;
    holder.ask("check").await?.ok("the check of a holder")?;
    // Watched from a runtime that goes on.
    let lost = tokio::spawn(holder.lost()?);
    let waiter = waiting(&client, &name("lost-1"));
    holder.pause().await?;
    let lock = within(cx.takeover_limit(), "the lock of a paused holder", waiter).await???;
    let signalled = lost.is_finished();
    lost.abort();
    holder.resume()?;
    let check = holder.ask("check").await?;
    check.refused("the check of a lost lock", &["lock-lost"])?;
    lock.unlock().await?;
    let check = holder.ask("check").await?;
    check.refused("the check of a lost lock once it is free again", &["lock-lost"])?;
    Ok(signalled)
}

pub(crate) async fn lost_2(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let kept = name("lost-2");
    let lease = cx.capabilities().lease.unwrap_or(Duration::from_millis(400));
    let lock = client.lock(&kept).await?;
    let started = Instant::now();
    while started.elapsed() < lease * 3 {
        let age = started.elapsed().as_millis();
        lock.check().map_err(|error| {
            Stop::failed(format!("after {age} ms a living holder has lost it: {error}"))
        })?;
        // The same client all along: it would have seen a holder that does not renew, and taken over.
        ensure_held(&other, &kept, &format!("after {age} ms")).await?;
        tokio::time::sleep(lease / 8).await;
    }
    lock.check()?;
    Ok(lock.unlock().await?)
}
