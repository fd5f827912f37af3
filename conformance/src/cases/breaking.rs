//! What operators see and break.

use std::time::{Duration, Instant};

use certstore_core::{ErrorKind, FencingToken, LockInfo};

use crate::case::{Case, ensure, refused, same};
use crate::context::{Client, Context, ensure_held, name, within};

async fn shown(client: &Client, token: FencingToken) -> Case<Option<LockInfo>> {
    Ok(client.locks().await?.into_iter().find(|info| info.token == Some(token)))
}

pub(crate) async fn locks_1(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    same("the locks of an empty store", &client.locks().await?, &Vec::<LockInfo>::new())?;
    let (b, a) = (client.lock(&name("locks-1-b")).await?, other.lock(&name("locks-1-a")).await?);
    let at_once = cx.lists_at_once();
    for (client, own) in [(&client, b.token()), (&other, a.token())] {
        let locks = client.locks().await?;
        let tokens: Vec<_> = locks.iter().map(|info| info.token).collect();
        let both = vec![Some(a.token()), Some(b.token())];
        if at_once {
            same("the tokens of the held locks, by name", &tokens, &both)?;
        } else {
            // The other one may show, or not yet.
            let right =
                tokens.contains(&Some(own)) && tokens.iter().all(|shown| both.contains(shown));
            ensure!(right, "the tokens of the held locks are {tokens:?}, of {both:?}");
        }
        let sorted = locks.is_sorted_by(|one, other| one.name <= other.name);
        ensure!(sorted, "the locks are not sorted by name: {locks:?}");
    }
    let gone = a.token();
    a.unlock().await?;
    let started = Instant::now();
    while shown(if at_once { &client } else { &other }, gone).await?.is_some() {
        ensure!(started.elapsed() < cx.release_limit(), "a released lock is still shown");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let sees_it = if at_once { &other } else { &client };
    ensure!(shown(sees_it, b.token()).await?.is_some(), "a held lock is not shown");
    Ok(b.unlock().await?)
}

pub(crate) async fn break_1(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let broken = name("break-1");
    let free = other.break_lock(&broken, FencingToken(1)).await;
    refused("breaking a lock that nobody ever held", free, ErrorKind::Conflict)?;
    let lock = client.lock(&broken).await?;
    let token = lock.token();
    for wrong in [token.0 - 1, token.0.wrapping_add(1_000_000), 0] {
        let wrong = other.break_lock(&broken, FencingToken(wrong)).await;
        refused("breaking with another token", wrong, ErrorKind::Conflict)?;
        lock.check()?;
        ensure_held(&other, &broken, "after a refused break").await?;
    }
    other.break_lock(&broken, token).await?;
    let next =
        within(cx.takeover_limit(), "the lock after its break", other.lock(&broken)).await??;
    let again = client.break_lock(&broken, token).await;
    refused("breaking with the token of the holder before", again, ErrorKind::Conflict)?;
    next.check()?;
    ensure_held(&client, &broken, "after a refused break of the next holder").await?;
    next.unlock().await?;
    drop(lock);
    Ok(())
}

pub(crate) async fn break_2(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let broken = name("break-2");
    let lock = client.lock(&broken).await?;
    let lost = lock.lost();
    other.break_lock(&broken, lock.token()).await?;
    within(cx.takeover_limit(), "the signal of a broken lock", lost).await?;
    let check = lock.check();
    refused("the check of a broken lock", check, ErrorKind::LockLost)?;
    refused("the unlock of a broken lock", lock.unlock().await, ErrorKind::LockLost)?;
    Ok(())
}
