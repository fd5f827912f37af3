//! Load: what every client sees.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use certstore_core::{ErrorKind, Version};
use futures_util::future::try_join_all;

use crate::case::{Case, Stop, ensure, refused, same};
use crate::context::{Context, key};
use crate::values::Palette;

pub(crate) async fn load_1(cx: &Context) -> Case {
    let (one, two) = cx.open_two().await?;
    let at = key("shared/value");
    for round in 0..6_u8 {
        let (writer, reader) = if round % 2 == 0 { (&one, &two) } else { (&two, &one) };
        writer.store(&at, &[round; 40]).await?;
        // More than once: whoever keeps what it has read must still see the next store.
        for _ in 0..4 {
            same("the value at another client", &*reader.load(&at).await?, &[round; 40])?;
            same("the value at the writer", &*writer.load(&at).await?, &[round; 40])?;
        }
    }
    let third = cx.open().await?;
    same("the value at a new client", &*third.load(&at).await?, &[5; 40])
}

pub(crate) async fn load_2(cx: &Context) -> Case {
    let client = cx.open().await?;
    client.store(&key("a/there"), b"x").await?;
    for missing in ["missing", "a/missing", "a/missing/deep", "missing/deep"] {
        refused(
            &format!("load of {missing}"),
            client.load(&key(missing)).await,
            ErrorKind::NotFound,
        )?;
    }
    Ok(())
}

pub(crate) async fn load_3(cx: &Context) -> Case {
    let client = cx.open().await?;
    client.store(&key("a/b/c"), b"x").await?;
    for dir in ["a", "a/b"] {
        refused(
            &format!("load of the directory {dir}"),
            client.load(&key(dir)).await,
            ErrorKind::NotFound,
        )?;
    }
    Ok(())
}

pub(crate) async fn load_4(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let at = key("versioned/value");
    let palette = Palette::new(200);
    client.store(&at, palette.get(0)).await?;
    let seen = Seen::default();
    let writing = Arc::new(AtomicBool::new(true));
    let readers: Vec<_> = (0..6)
        .map(|_| {
            let (other, at, palette, seen, writing) =
                (other.clone(), at.clone(), palette.clone(), seen.clone(), writing.clone());
            tokio::spawn(async move {
                while writing.load(Ordering::Acquire) {
                    let found = other.load_versioned(&at).await?;
                    seen.add(&palette, &found.value, &found.version)?;
                    tokio::task::yield_now().await;
                }
                Ok::<(), Stop>(())
            })
        })
        .collect();
    let mut stored = Ok(());
    for round in 1..200 {
        stored = client.store(&at, palette.get(round)).await.map(drop);
        if stored.is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    writing.store(false, Ordering::Release);
    for ended in try_join_all(readers).await? {
        ended?;
    }
    stored?;
    let last = other.load_versioned(&at).await?;
    seen.add(&palette, &last.value, &last.version)
}

/// Which value each version was seen with.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<HashMap<Version, usize>>>);

impl Seen {
    fn add(&self, palette: &Palette, value: &[u8], version: &Version) -> Case {
        let index = palette.find(value);
        let index = index
            .ok_or_else(|| Stop::failed("a versioned load gave a value that nobody stored"))?;
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *seen.entry(version.clone()).or_insert(index);
        ensure!(
            before == index,
            "version {version} was seen with two values: store {before} and store {index}"
        );
        Ok(())
    }
}

pub(crate) async fn load_5(cx: &Context) -> Case {
    let client = cx.open().await?;
    let keys = ["many/c", "many/missing", "many/a", "other/b", "many/c"].map(key);
    for at in [&keys[0], &keys[2], &keys[3]] {
        client.store(at, at.as_str().as_bytes()).await?;
    }
    let results = client.load_many(&keys.each_ref()).await;
    ensure!(results.len() == keys.len(), "{} results for {} keys", results.len(), keys.len());
    for (at, result) in keys.iter().zip(results) {
        if *at == keys[1] {
            ensure!(result.is_err(), "a missing key has a value: {result:?}");
        } else {
            same(&format!("the result of {at}"), &*result?, at.as_str().as_bytes())?;
        }
    }
    ensure!(client.load_many(&[]).await.is_empty(), "no keys have results");
    Ok(())
}
