//! Stores that meet other stores, readers, or their own cancellation.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::try_join_all;

use crate::case::{Case, Stop, ensure, same};
use crate::context::{Client, Context, key};
use crate::fault::{MAX_CUTS, cut_after};
use crate::values::{Palette, pattern};

const WRITERS: usize = 8;
const READERS: usize = 8;
const STORES: usize = 25;

pub(crate) async fn store_4(cx: &Context) -> Case {
    let palette = Palette::new(32);
    let at = key("torn/value");
    let (one, two) = cx.open_two().await?;
    one.store(&at, palette.get(0)).await?;
    let writing = Arc::new(AtomicUsize::new(WRITERS));
    let clients = [one, two];
    let client = |index: usize| clients[index % 2].clone();
    let writers = (0..WRITERS).map(|writer| {
        let (client, palette, at, writing) =
            (client(writer), palette.clone(), at.clone(), writing.clone());
        tokio::spawn(async move {
            let mut done = Ok(());
            for round in 0..STORES {
                done = client.store(&at, palette.get(writer * 4 + round % 4)).await.map(drop);
                if done.is_err() {
                    break;
                }
            }
            writing.fetch_sub(1, Ordering::Release);
            done.map_err(Stop::from)
        })
    });
    let readers = (0..READERS).map(|reader| {
        let (client, palette, at, writing) =
            (client(reader), palette.clone(), at.clone(), writing.clone());
        tokio::spawn(async move {
            while writing.load(Ordering::Acquire) > 0 {
                let value = client.load(&at).await?;
                let whole = palette.find(&value).is_some();
                ensure!(whole, "a reader saw {} bytes that nobody stored", value.len());
                tokio::task::yield_now().await;
            }
            Ok(())
        })
    });
    let tasks: Vec<_> = writers.chain(readers).collect();
    for ended in try_join_all(tasks).await? {
        ended?;
    }
    Ok(())
}

pub(crate) async fn store_5(cx: &Context) -> Case {
    let palette = Palette::new(64);
    let (one, two) = cx.open_two().await?;
    for round in 0..8 {
        let at = key("race").join(&round.to_string())?;
        one.store(&at, b"before the race").await?;
        let racer = |index: usize| {
            let client = if index.is_multiple_of(2) { one.clone() } else { two.clone() };
            let (palette, at) = (palette.clone(), at.clone());
            tokio::spawn(async move { client.store(&at, palette.get(index)).await })
        };
        for stored in try_join_all((0..WRITERS).map(racer)).await? {
            stored?;
        }
        let ended = one.load(&at).await?;
        let winner = palette.find(&ended);
        ensure!(
            winner.is_some_and(|winner| winner < WRITERS),
            "no racer's value stands after the race, but {} bytes",
            ended.len()
        );
        same(
            "the winner that the other client sees",
            &palette.find(&two.load(&at).await?),
            &winner,
        )?;
    }
    Ok(())
}

pub(crate) async fn store_7(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    // The new value is the longer one.
    for len in [300, cx.at_most((64 << 10) + 100) - 100] {
        let (old, new) = (pattern(1, len), pattern(2, len + 100));
        for polls in 1..=MAX_CUTS {
            // A dropped store may take effect later, so every round has a key of its own.
            let at = key(&format!("cut/{len}")).join(&polls.to_string())?;
            client.store(&at, &old).await?;
            let ended = cut_after(client.store(&at, &new), polls).await;
            for reader in [&client, &other, &client, &other] {
                whole(reader, &at, &old, &new).await?;
                tokio::task::yield_now().await;
            }
            if let Some(stored) = ended {
                stored?;
                ensure!(*client.load(&at).await? == *new, "a completed store is not there");
                break;
            }
        }
    }
    Ok(())
}

async fn whole(reader: &Client, at: &certstore_core::Key, old: &[u8], new: &[u8]) -> Case {
    let found = reader.load(at).await?;
    let whole = *found == *old || *found == *new;
    ensure!(
        whole,
        "a dropped store left {} bytes that are neither the old nor the new value",
        found.len()
    );
    Ok(())
}
