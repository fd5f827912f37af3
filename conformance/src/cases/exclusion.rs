//! Mutual exclusion, counted while it happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::try_join_all;

use crate::case::{Case, ensure};
use crate::context::{Client, Context, name, within};
use crate::peer::Peer;

const TASKS: usize = 8;
const ROUNDS: usize = 6;
const PROCESSES: usize = 4;

/// How many holders there are at this moment.
#[derive(Clone, Default)]
struct Inside(Arc<AtomicUsize>);

impl Inside {
    /// Called with the lock just acquired.
    fn enter(&self) -> Case {
        let others = self.0.fetch_add(1, Ordering::SeqCst);
        ensure!(others == 0, "two hold the lock at the same time");
        Ok(())
    }

    /// Called with the lock about to be given back.
    fn leave(&self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(crate) async fn lock_1(cx: &Context) -> Case {
    let (one, two) = cx.open_two().await?;
    let inside = Inside::default();
    let tasks = (0..TASKS).map(|task| {
        let client = if task % 2 == 0 { one.clone() } else { two.clone() };
        tokio::spawn(contend(client, inside.clone()))
    });
    let limit = cx.takeover_limit() * 8;
    for ended in within(limit, "8 tasks with 6 rounds each", try_join_all(tasks)).await?? {
        ended?;
    }
    Ok(())
}

async fn contend(client: Client, inside: Inside) -> Case {
    let name = name("lock-1");
    for _ in 0..ROUNDS {
        let lock = client.lock(&name).await?;
        inside.enter()?;
        // Long enough for all others to be waiting.
        tokio::time::sleep(Duration::from_millis(1)).await;
        lock.check()?;
        inside.leave();
        lock.unlock().await?;
    }
    Ok(())
}

pub(crate) async fn lock_2(cx: &Context) -> Case {
    let inside = Inside::default();
    let mut processes = Vec::new();
    for _ in 0..PROCESSES {
        processes.push(cx.process().await?);
    }
    let limit = cx.takeover_limit() * 8;
    let tasks = processes.into_iter().map(|mut peer| {
        let inside = inside.clone();
        tokio::spawn(async move {
            for _ in 0..ROUNDS {
                peer.lock("lock-2", limit).await?;
                // From the reply that it holds to the order to unlock, the process is inside.
                inside.enter()?;
                hold(&mut peer).await?;
                inside.leave();
                peer.ask("unlock").await?.ok("a worker's unlock")?;
            }
            Ok(())
        })
    });
    let tasks: Vec<tokio::task::JoinHandle<Case>> = tasks.collect();
    for ended in try_join_all(tasks).await? {
        ended?;
    }
    Ok(())
}

/// A few messages back and forth: time enough for another process to get in where it can.
async fn hold(peer: &mut Peer) -> Case {
    for _ in 0..20 {
        peer.ask("check").await?.ok("a holder's check")?;
    }
    Ok(())
}
