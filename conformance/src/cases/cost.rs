//! Round trips, counted.

use std::future::Future;

use certstore_core::Result;

use crate::case::{Case, Stop, ensure};
use crate::context::{Context, key, name};

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
    let mut costs = Vec::new();
    costs.push(("store", count(cx, client.store(&at, b"1")).await?.1));
    costs.push(("load", count(cx, client.load(&at)).await?.1));
    costs.push(("exists", count(cx, client.exists(&at)).await?.1));
    costs.push(("stat", count(cx, client.stat(&at)).await?.1));
    let (lock, trips) = count(cx, client.lock(&warm)).await?;
    costs.push(("lock", trips));
    costs.push(("unlock", count(cx, lock.unlock()).await?.1));
    let told: Vec<String> = costs.iter().map(|(call, trips)| format!("{call} {trips}")).collect();
    cx.note(format!("round trips: {}", told.join(", ")));
    let dear: Vec<_> = costs.into_iter().filter(|(_, trips)| *trips != 1).collect();
    ensure!(dear.is_empty(), "not one round trip: {dear:?}");
    Ok(())
}
