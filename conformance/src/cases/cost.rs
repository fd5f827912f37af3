//! Round trips, counted.

use std::future::Future;

use certstore_core::{Key, LockName, Result, Storage};

use crate::case::{Case, Stop, ensure};
use crate::context::{Context, key, name};

/// How often each call is counted.
const ROUNDS: usize = 3;

/// How many round trips a call makes.
async fn count<T>(cx: &Context, call: impl Future<Output = Result<T>>) -> Case<(T, u64)> {
    let trips = || {
        let counted = cx.factory().round_trips();
        counted.ok_or_else(|| Stop::not_supported("the factory does not count round trips"))
    };
    let before = trips()?;
    let done = call.await?;
    Ok((done, trips()? - before))
}

pub(crate) async fn cost_1(cx: &Context) -> Case {
    let client = cx.open().await?;
    let (at, warm) = (key("cost/value"), name("cost-1"));
    // Connections, directories and the lock's record are there once they were used.
    client.store(&at, b"0").await?;
    client.load(&at).await?;
    for _ in 0..2 {
        client.lock(&warm).await?.unlock().await?;
    }
    // A renewal or a reconnection of the client's own can fall into a count, and only ever adds: the lowest counts.
    let mut lowest = costs(cx, &*client, &at, &warm).await?;
    for _ in 1..ROUNDS {
        for ((_, low), (_, again)) in lowest.iter_mut().zip(costs(cx, &*client, &at, &warm).await?)
        {
            *low = again.min(*low);
        }
    }
    let told: Vec<String> = lowest.iter().map(|(call, trips)| format!("{call} {trips}")).collect();
    cx.note(format!("round trips: {}", told.join(", ")));
    let declared = cx.factory().lock_round_trips();
    if declared != 1 {
        cx.note(format!("declared: a lock and an unlock take {declared} round trips each"));
    }
    let due = |call: &str| if matches!(call, "lock" | "unlock") { declared } else { 1 };
    let dear: Vec<_> = lowest.into_iter().filter(|(call, trips)| *trips != due(call)).collect();
    ensure!(dear.is_empty(), "not one round trip, or what is declared: {dear:?}");
    Ok(())
}

async fn costs(
    cx: &Context,
    client: &dyn Storage,
    at: &Key,
    warm: &LockName,
) -> Case<[(&'static str, u64); 6]> {
    let store = count(cx, client.store(at, b"1")).await?.1;
    let load = count(cx, client.load(at)).await?.1;
    let exists = count(cx, client.exists(at)).await?.1;
    let stat = count(cx, client.stat(at)).await?.1;
    let (lock, taken) = count(cx, client.lock(warm)).await?;
    let given = count(cx, lock.unlock()).await?.1;
    Ok([
        ("store", store),
        ("load", load),
        ("exists", exists),
        ("stat", stat),
        ("lock", taken),
        ("unlock", given),
    ])
}
