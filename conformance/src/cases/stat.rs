//! Stat.

use std::time::{Duration, SystemTime};

use certstore_core::{ErrorKind, Shared, VersionKind};

use crate::case::{Case, Stop, ensure, refused, same};
use crate::context::{Context, key};

pub(crate) async fn stat_1(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let at = key("dir/value");
    for len in [10_usize, 5_000, 3] {
        client.store(&at, &vec![1; len]).await?;
        for client in [&client, &other] {
            let info = client.stat(&at).await?;
            same("the key", &info.key, &at)?;
            ensure!(info.is_terminal, "a value is not terminal");
            let right = info.size.is_none_or(|size| size == len as u64);
            ensure!(right, "a value of {len} bytes has the size {:?}", info.size);
            if cx.capabilities().version == VersionKind::None {
                continue;
            }
            ensure!(info.version.is_some(), "a backend with versions gives none in a stat");
        }
    }
    Ok(())
}

pub(crate) async fn stat_2(cx: &Context) -> Case {
    let client = cx.open().await?;
    client.store(&key("dir/deep/value"), b"x").await?;
    for dir in ["dir", "dir/deep"] {
        let info = client.stat(&key(dir)).await?;
        same("the key of a directory", &info.key, &key(dir))?;
        ensure!(!info.is_terminal, "the directory {dir} is terminal");
        ensure!(info.version.is_none(), "the directory {dir} has a version");
    }
    Ok(())
}

pub(crate) async fn stat_3(cx: &Context) -> Case {
    let client = cx.open().await?;
    client.store(&key("dir/value"), b"x").await?;
    for missing in ["missing", "dir/missing", "missing/deep", "dir/value/below"] {
        refused(
            &format!("stat of {missing}"),
            client.stat(&key(missing)).await,
            ErrorKind::NotFound,
        )?;
    }
    Ok(())
}

pub(crate) async fn stat_4(cx: &Context) -> Case {
    let client = cx.open().await?;
    let at = key("dir/value");
    // Another host's clock may differ; no backend is off by an hour, as one that takes local time for UTC is.
    let seconds = if cx.capabilities().shared == Shared::Network { 300 } else { 2 };
    let tolerance = Duration::from_secs(seconds);
    let mut last = None;
    for value in [b"1", b"2"] {
        let before = SystemTime::now();
        client.store(&at, value).await?;
        let after = SystemTime::now();
        let Some(modified) = client.stat(&at).await?.modified else {
            return Err(Stop::not_supported("the backend tells no time of the last store"));
        };
        let right = modified >= before - tolerance && modified <= after + tolerance;
        ensure!(right, "a value stored at {before:?} was modified at {modified:?}");
        ensure!(last.is_none_or(|last| modified >= last), "a later store has an earlier time");
        last = Some(modified);
    }
    Ok(())
}
