//! Conditional stores.

use certstore_core::{Cas, Condition, ErrorKind, Key, Version};
use futures_util::future::try_join_all;

use crate::case::{Case, ensure, refused, same};
use crate::context::{Client, Context, key};

const RACERS: usize = 32;

async fn version(client: &Client, at: &Key) -> Case<Version> {
    Ok(client.load_versioned(at).await?.version)
}

pub(crate) async fn cas_1(cx: &Context) -> Case {
    let client = cx.open().await?;
    let at = key("cas/created");
    client.store_if(&at, b"first", &Condition::Absent).await?;
    same("the created value", &*client.load(&at).await?, b"first")?;
    client.delete(&at).await?;
    client.store_if(&at, b"again", &Condition::Absent).await?;
    same("the value created anew", &*client.load(&at).await?, b"again")
}

pub(crate) async fn cas_2(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let (plain, created) = (key("cas/plain"), key("cas/created"));
    client.store(&plain, b"stands").await?;
    client.store_if(&created, b"stands", &Condition::Absent).await?;
    for at in [&plain, &created] {
        for client in [&client, &other] {
            let second = client.store_if(at, b"second", &Condition::Absent).await;
            refused("create over a value", second, ErrorKind::Conflict)?;
            same("the value after a refused create", &*client.load(at).await?, b"stands")?;
        }
    }
    Ok(())
}

pub(crate) async fn cas_3(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let at = key("cas/chain");
    client.store(&at, b"0").await?;
    let mut current = version(&client, &at).await?;
    for step in 1..=5_u8 {
        let writer = if step % 2 == 0 { &client } else { &other };
        current = writer.store_if(&at, &[step], &Condition::Version(current)).await?;
        same("the value of a conditional store", &*client.load(&at).await?, &[step])?;
        same("the version that it returned", &version(&other, &at).await?, &current)?;
    }
    Ok(())
}

pub(crate) async fn cas_4(cx: &Context) -> Case {
    let client = cx.open().await?;
    let (at, elsewhere, missing) = (key("cas/a"), key("cas/b"), key("cas/missing"));
    client.store(&at, b"old").await?;
    let old = version(&client, &at).await?;
    client.store(&at, b"new").await?;
    client.store(&elsewhere, b"another value").await?;
    let foreign = version(&client, &elsewhere).await?;
    for wrong in [old.clone(), foreign] {
        let late = client.store_if(&at, b"late", &Condition::Version(wrong)).await;
        refused("a store on another version", late, ErrorKind::Conflict)?;
        same("the value after it", &*client.load(&at).await?, b"new")?;
    }
    let none = client.store_if(&missing, b"x", &Condition::Version(old)).await;
    refused("a store on a version without a value", none, ErrorKind::Conflict)?;
    ensure!(!client.exists(&missing).await?, "the refused store wrote a value");
    Ok(())
}

/// Races on one condition; the winner's value must stand.
async fn race(cx: &Context, at: &Key, condition: &Condition) -> Case {
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(cx.open().await?);
    }
    let racer = |index: usize| {
        let (client, at, condition) = (clients[index % 4].clone(), at.clone(), condition.clone());
        let value = format!("racer {index}");
        tokio::spawn(async move {
            match client.store_if(&at, value.as_bytes(), &condition).await {
                Ok(_) => Ok(Some(value)),
                Err(error) if error.kind() == ErrorKind::Conflict => Ok(None),
                Err(error) => Err(error),
            }
        })
    };
    let mut winners = Vec::new();
    for ended in try_join_all((0..RACERS).map(racer)).await? {
        winners.extend(ended?);
    }
    ensure!(winners.len() == 1, "{} of {RACERS} racers won: {winners:?}", winners.len());
    same("the value after the race", &*clients[0].load(at).await?, winners[0].as_bytes())
}

pub(crate) async fn cas_5(cx: &Context) -> Case {
    for round in 0..4 {
        race(cx, &key("create").join(&round.to_string())?, &Condition::Absent).await?;
    }
    Ok(())
}

pub(crate) async fn cas_6(cx: &Context) -> Case {
    let client = cx.open().await?;
    for round in 0..4 {
        let at = key("update").join(&round.to_string())?;
        client.store(&at, b"before").await?;
        race(cx, &at, &Condition::Version(version(&client, &at).await?)).await?;
    }
    Ok(())
}

pub(crate) async fn cas_7(cx: &Context) -> Case {
    let client = cx.open().await?;
    let at = key("cas/counter");
    let full = cx.capabilities().cas == Cas::Full;
    let mut seen: Vec<Version> = Vec::new();
    for round in 0..4 {
        if round == 3 {
            client.delete(&at).await?;
        }
        client.store(&at, b"the same bytes").await?;
        let current = version(&client, &at).await?;
        ensure!(
            !seen.contains(&current),
            "write {round} has a version that an earlier one had: {current}"
        );
        for old in seen.iter().filter(|_| full) {
            let stale = client.store_if(&at, b"stale", &Condition::Version(old.clone())).await;
            refused("a store on an old version of equal bytes", stale, ErrorKind::Conflict)?;
        }
        seen.push(current);
    }
    same("the value", &*client.load(&at).await?, b"the same bytes")
}
