//! Giving a lock back.

use std::time::Duration;

use certstore_core::ErrorKind;

use crate::case::{Case, Stop, refused};
use crate::context::{Client, Context, ensure_held, name, within};
use crate::fault::{MAX_CUTS, cut_after};

pub(crate) async fn unlock_1(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let given = name("unlock-1");
    for (holder, next) in [(&client, &other), (&other, &client), (&client, &client)] {
        let lock = within(cx.release_limit(), "the first lock", holder.lock(&given)).await??;
        lock.unlock().await?;
        let next = next.try_lock(&given).await?;
        let next =
            next.ok_or_else(|| Stop::failed("after the unlock a try of the lock gives none"))?;
        next.unlock().await?;
    }
    Ok(())
}

pub(crate) async fn unlock_2(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let lost = name("unlock-2");
    let old = client.lock(&lost).await?;
    other.break_lock(&lost, old.token()).await?;
    let new = within(cx.takeover_limit(), "the lock after its break", other.lock(&lost)).await??;
    refused("unlocking what was lost", old.unlock().await, ErrorKind::LockLost)?;
    new.check()?;
    let third = cx.open().await?;
    ensure_held(&third, &lost, "after the unlock of a holder that had lost it").await?;
    Ok(new.unlock().await?)
}

pub(crate) async fn unlock_3(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let cut = name("unlock-3");
    for polls in 1..=MAX_CUTS {
        let lock = within(cx.release_limit(), "the lock", client.lock(&cut)).await??;
        let ended = cut_after(lock.unlock(), polls).await;
        ensure_free(cx, &other, &cut, polls).await?;
        if let Some(unlocked) = ended {
            unlocked?;
            break;
        }
    }
    // Cut while the release is on its way, where it takes that long.
    for millis in [1, 12] {
        let lock = within(cx.release_limit(), "the lock", client.lock(&cut)).await??;
        if let Ok(unlocked) =
            tokio::time::timeout(Duration::from_millis(millis), lock.unlock()).await
        {
            unlocked?;
        }
        ensure_free(cx, &other, &cut, 1).await?;
    }
    Ok(())
}

async fn ensure_free(
    cx: &Context,
    client: &Client,
    cut: &certstore_core::LockName,
    polls: usize,
) -> Case {
    let what = format!("the lock after an unlock that was dropped at its await {polls}");
    let lock = within(cx.release_limit(), &what, client.lock(cut)).await??;
    Ok(lock.unlock().await?)
}
