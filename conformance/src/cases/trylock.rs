//! Try.

use std::time::{Duration, Instant};

use crate::case::{Case, Stop, ensure};
use crate::context::{Context, name, within};

pub(crate) async fn trylock_1(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let tried = name("trylock-1");
    // A few round trips, and never a wait for the holder.
    let at_once = cx.capabilities().lease.map_or(Duration::from_secs(1), |lease| lease / 2);
    for holder in [&client, &other] {
        // The last round's lock was given back, but a try need not wait for anything.
        let first = within(cx.release_limit(), "the first lock", holder.lock(&tried)).await??;
        for _ in 0..3 {
            for client in [&client, &other] {
                let started = Instant::now();
                let got = client.try_lock(&tried).await;
                let got = got.map_err(|error| {
                    Stop::failed(format!("a try of a held lock fails: {error:?}"))
                })?;
                let took = started.elapsed();
                ensure!(got.is_none(), "a try got a held lock");
                ensure!(took < at_once, "a try of a held lock took {} ms", took.as_millis());
            }
        }
        first.check()?;
        first.unlock().await?;
    }
    for (index, client) in [&client, &other].into_iter().enumerate() {
        let free = name(&format!("trylock-1-free-{index}"));
        let lock = within(at_once, "a try of a free lock", client.try_lock(&free)).await??;
        let lock = lock.ok_or_else(|| Stop::failed("a try of a free lock gives none"))?;
        lock.check()?;
        lock.unlock().await?;
    }
    Ok(())
}
