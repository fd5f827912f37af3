//! Bundles: all of the old values or all of the new ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use certstore_core::{ErrorKind, Key, Lock, Result, Storage};
use futures_util::future::try_join_all;

use crate::case::{Case, Stop, ensure, same};
use crate::context::{Client, Context, key};
use crate::fault::{MAX_CUTS, cut_after};
use crate::values::pattern;

/// The three values of a site, of one directory.
pub(super) fn keys(dir: &str) -> [Key; 3] {
    ["key", "crt", "json"].map(|kind| key(&format!("{dir}/site.{kind}")))
}

/// A value that names its generation.
fn value(generation: u64, part: usize) -> Vec<u8> {
    let mut value = generation.to_be_bytes().to_vec();
    value.extend(pattern(generation * 8 + part as u64, 200 + 1_500 * part));
    value
}

/// Stores the bundle of a generation in `dir`, under a lock or not.
pub(crate) async fn store_generation(
    storage: &Arc<dyn Storage>,
    dir: &str,
    generation: u64,
    guard: Option<&Lock>,
) -> Result<()> {
    let keys = keys(dir);
    let values = [0, 1, 2].map(|part| value(generation, part));
    let items: Vec<(&Key, &[u8])> =
        keys.iter().zip(values.iter().map(|value| &value[..])).collect();
    match guard {
        None => storage.store_all(&items).await,
        Some(guard) => storage.store_all_fenced(&items, guard).await,
    }
}

/// The generation of a value; a failure when it is no value of the case.
pub(super) fn generation(bytes: &[u8], part: usize) -> Case<u64> {
    let generation = bytes.first_chunk().map(|first| u64::from_be_bytes(*first));
    let whole = generation.filter(|generation| value(*generation, part) == bytes);
    whole.ok_or_else(|| {
        Stop::failed(format!(
            "part {part} of a bundle has {} bytes that nobody stored",
            bytes.len()
        ))
    })
}

/// The generation of all three values, read as a bundle; a failure when they differ.
pub(super) async fn bundle(client: &Client, dir: &str) -> Case<Option<u64>> {
    let keys = keys(dir);
    let values = match client.load_bundle(&keys.each_ref()).await {
        Ok(values) => values,
        // Writers came too fast: the contract's own answer, never that nothing is there.
        Err(error) if error.kind() == ErrorKind::Unavailable => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    ensure!(values.len() == 3, "a bundle of 3 keys has {} values", values.len());
    let first = generation(&values[0], 0)?;
    for (part, value) in values.iter().enumerate().skip(1) {
        let other = generation(value, part)?;
        ensure!(first == other, "a bundle mixes generation {first} with {other}");
    }
    Ok(Some(first))
}

pub(crate) async fn batch_1(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let several = ["a", "b", "c", "d"].map(|name| key(&format!("bundle/dir/{name}")));
    let root = ["root.crt", "root.key"].map(key);
    for round in ["first", "second, longer", "3"] {
        for keys in [&several[..], &root[..], &several[..1]] {
            let values: Vec<String> = keys.iter().map(|key| format!("{round} of {key}")).collect();
            let items: Vec<_> = keys.iter().zip(values.iter().map(String::as_bytes)).collect();
            client.store_all(&items).await?;
            for (at, value) in items {
                same(&format!("the value of {at}"), &*other.load(at).await?, value)?;
            }
            let all: Vec<&Key> = keys.iter().collect();
            let bundle = other.load_bundle(&all).await?;
            let bundle: Vec<&[u8]> = bundle.iter().map(|value| &**value).collect();
            same("the bundle", &bundle, &values.iter().map(String::as_bytes).collect::<Vec<_>>())?;
        }
    }
    Ok(())
}

pub(crate) async fn batch_2(cx: &Context) -> Case {
    batch_2_cut(cx).await?;
    batch_2_concurrent(cx).await?;
    if cx.has_processes() {
        batch_2_killed(cx).await
    } else {
        cx.note("no writer was killed: this run has no other processes");
        Ok(())
    }
}

async fn batch_2_cut(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    for polls in 1..=MAX_CUTS {
        let dir = format!("cut/{polls}");
        store_generation(&client, &dir, 1, None).await?;
        let ended = cut_after(store_generation(&client, &dir, 2, None), polls).await;
        for reader in [&other, &client, &other] {
            let found = bundle(reader, &dir).await?;
            ensure!(matches!(found, None | Some(1 | 2)), "generation {found:?} was never stored");
        }
        if let Some(stored) = ended {
            stored?;
            return same(
                "the bundle after a completed store",
                &bundle(&other, &dir).await?,
                &Some(2),
            );
        }
    }
    Ok(())
}

async fn batch_2_concurrent(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    store_generation(&client, "race", 1, None).await?;
    let writing = Arc::new(AtomicBool::new(true));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (reader, writing) = (other.clone(), writing.clone());
            tokio::spawn(async move {
                let mut latest = 0;
                while writing.load(Ordering::Acquire) {
                    if let Some(found) = bundle(&reader, "race").await? {
                        ensure!(
                            found >= latest,
                            "a bundle went back from generation {latest} to {found}"
                        );
                        latest = found;
                    }
                    tokio::task::yield_now().await;
                }
                Ok::<(), Stop>(())
            })
        })
        .collect();
    let mut stored = Ok(());
    for generation in 2..=40 {
        stored = store_generation(&client, "race", generation, None).await;
        if stored.is_err() {
            break;
        }
    }
    writing.store(false, Ordering::Release);
    for ended in try_join_all(readers).await? {
        ended?;
    }
    stored?;
    same("the bundle after the race", &bundle(&other, "race").await?, &Some(40))
}

async fn batch_2_killed(cx: &Context) -> Case {
    let client = cx.open().await?;
    for round in 0..4_u64 {
        let dir = format!("killed/{round}");
        store_generation(&client, &dir, 0, None).await?;
        let mut writer = cx.process().await?;
        writer.ask(&format!("bundles {dir}")).await?.ok("the first bundle of a worker")?;
        // Not to wait for anything: to be at another point of the writer's work in every round.
        tokio::time::sleep(Duration::from_micros(700 * round)).await;
        writer.kill().await?;
        let found = bundle(&client, &dir).await?;
        ensure!(found.is_some(), "a bundle whose writer was killed cannot be read");
        stored_over(&client, &dir, found).await?;
    }
    Ok(())
}

/// Stores over what a killed writer left. What it had sent may take effect once, later: over one plain store, whole, and
/// not over the next.
async fn stored_over(client: &Client, dir: &str, found: Option<u64>) -> Case {
    const OVER: u64 = u64::MAX / 16;
    store_generation(client, dir, OVER, None).await?;
    let mut now = bundle(client, dir).await?;
    if now != Some(OVER) && now > found {
        store_generation(client, dir, OVER, None).await?;
        now = bundle(client, dir).await?;
    }
    same("the bundle stored over it", &now, &Some(OVER))
}

pub(crate) async fn batch_3(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    for polls in 1..=MAX_CUTS {
        let dir = format!("cut/{polls}");
        store_generation(&client, &dir, 1, None).await?;
        let ended = cut_after(store_generation(&client, &dir, 2, None), polls).await;
        plain_loads(&other, &dir, &[0, 1, 2]).await?;
        if let Some(stored) = ended {
            stored?;
            break;
        }
    }
    store_generation(&client, "race", 1, None).await?;
    let writer = tokio::spawn(async move {
        for generation in 2..=150 {
            store_generation(&client, "race", generation, None).await?;
            tokio::task::yield_now().await;
        }
        Ok::<(), Stop>(())
    });
    while !writer.is_finished() {
        plain_loads(&other, "race", &[0, 1, 2]).await?;
        plain_loads(&other, "race", &[2, 1, 0]).await?;
        // A backend that never waits would else keep its writer from running.
        tokio::task::yield_now().await;
    }
    writer.await?
}

/// Loads the parts one after another: a later load must not be of an older generation.
pub(super) async fn plain_loads(client: &Client, dir: &str, order: &[usize]) -> Case {
    let keys = keys(dir);
    let mut latest = 0;
    for &part in order {
        let found = generation(&client.load(&keys[part]).await?, part)?;
        ensure!(
            found >= latest,
            "a plain load gave generation {found} after {latest}: a batch was half there"
        );
        latest = found;
    }
    Ok(())
}
