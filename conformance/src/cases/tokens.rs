//! Fencing tokens grow.

use std::time::{SystemTime, UNIX_EPOCH};

use certstore_core::Durability;

use crate::case::{Case, Stop, ensure};
use crate::cases::takeover::{stoppable, waiting};
use crate::context::{Client, Context, name, within};

/// One acquisition and release; its token.
async fn token(client: &Client) -> Case<u64> {
    let lock = client.lock(&name("tokens")).await?;
    let token = lock.token().0;
    lock.unlock().await?;
    Ok(token)
}

pub(crate) async fn lock_3(cx: &Context) -> Case {
    let (one, two) = cx.open_two().await?;
    let mut last = 0;
    for round in 0..9 {
        let client = if round % 3 == 0 { &two } else { &one };
        let token = token(client).await?;
        ensure!(token > last, "the token went from {last} to {token} in round {round}");
        last = token;
    }
    takeover(cx, one, last).await
}

async fn takeover(cx: &Context, client: Client, last: u64) -> Case {
    let lease = cx.capabilities().lease.is_some();
    let holder = if lease { stoppable(cx).await } else { cx.mortal().await };
    let mut holder = match holder {
        Ok(holder) => holder,
        Err(Stop::NotSupported(why)) => {
            cx.note(format!("not tried over a takeover: {why}"));
            return Ok(());
        }
        Err(stop) => return Err(stop),
    };
    let overtaken = holder.lock("tokens", cx.takeover_limit()).await?;
    ensure!(overtaken > last, "the token went from {last} to {overtaken}");
    let waiter = waiting(&client, &name("tokens"));
    if lease {
        holder.pause().await?;
    } else {
        holder.kill().await?;
    }
    let lock = within(cx.takeover_limit(), "the takeover", waiter).await???;
    let taken = lock.token().0;
    ensure!(taken > overtaken, "the token went from {overtaken} to {taken} over a takeover");
    Ok(lock.unlock().await?)
}

pub(crate) async fn lock_4(cx: &Context) -> Case {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    let mut last = 0;
    for start in 0..3 {
        let token = if cx.has_processes() {
            token_of_process(cx).await?
        } else {
            token_of_start(cx).await?
        };
        ensure!(token > last, "the token went from {last} to {token} over restart {start}");
        last = token;
    }
    // What lets tokens grow over a lost record; a minute for clocks that differ.
    let least = now.saturating_sub(60_000_000);
    ensure!(u128::from(last) >= least, "the token {last} is under the microseconds since 1970");
    Ok(())
}

async fn token_of_process(cx: &Context) -> Case<u64> {
    let mut process = cx.process().await?;
    let token = process.lock("tokens", cx.takeover_limit()).await?;
    process.ask("unlock").await?.ok("a worker's unlock")?;
    process.kill().await?;
    Ok(token)
}

/// All clients closed and opened anew; what ends with its process is gone then.
async fn token_of_start(cx: &Context) -> Case<u64> {
    let token = token(&cx.open().await?).await?;
    if cx.capabilities().durability == Durability::None {
        cx.factory().remove(&cx.namespace()).await?;
    }
    Ok(token)
}
