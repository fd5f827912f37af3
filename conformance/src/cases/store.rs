//! Store, one client at a time.

use certstore_core::{ErrorKind, Version};

use crate::case::{Case, ensure, refused, same};
use crate::context::{Client, Context, key};
use crate::values::pattern;

/// The largest value that the suite writes to see a limit enforced.
const TRIED_LIMIT: u64 = 16 << 20;

pub(crate) async fn store_1(cx: &Context) -> Case {
    let client = cx.open().await?;
    let all_bytes: Vec<u8> = (0..=255).collect();
    let values: [(&str, &[u8]); 6] = [
        ("empty", b""),
        ("text", "-----BEGIN CERTIFICATE-----\nb\u{fc}cher\n".as_bytes()),
        ("binary", &all_bytes),
        ("zeros", &[0; 100]),
        ("line-ends", b"\r\n\n\r \t"),
        ("not-utf8", &[0xff, 0xfe, 0xc0, 0x80]),
    ];
    for (name, value) in values {
        let at = key("values").join(name)?;
        client.store(&at, value).await?;
        same(&format!("the {name} value"), &*client.load(&at).await?, value)?;
        ensure!(client.exists(&at).await?, "the {name} value does not exist");
    }
    Ok(())
}

pub(crate) async fn store_2(cx: &Context) -> Case {
    let client = cx.open().await?;
    let at = key("a/replaced");
    for value in [&b"a long first value"[..], b"2", b"third, longer again than that", b"x"] {
        client.store(&at, value).await?;
        same("the value", &*client.load(&at).await?, value)?;
    }
    Ok(())
}

pub(crate) async fn store_3(cx: &Context) -> Case {
    let client = cx.open().await?;
    let limit = cx.capabilities().max_value;
    for len in [64 << 10, 1 << 20] {
        if limit.is_some_and(|limit| limit < len as u64) {
            // 64 KiB are the least, less what a layer adds to a value.
            ensure!(
                len > 64 << 10 || limit >= Some(63 << 10),
                "max_value is under 64 KiB: {limit:?}"
            );
            cx.note(format!("{len} bytes are over max_value"));
            continue;
        }
        let (at, value) = (key("large").join(&len.to_string())?, pattern(len as u64, len));
        client.store(&at, &value).await?;
        ensure!(*client.load(&at).await? == *value, "{len} bytes came back changed");
    }
    match limit {
        Some(limit) if limit <= TRIED_LIMIT => over_limit(&client, limit).await,
        Some(limit) => {
            cx.note(format!("max_value is {limit} bytes: not tried"));
            Ok(())
        }
        None => Ok(()),
    }
}

async fn over_limit(client: &Client, limit: u64) -> Case {
    let at = key("large/limit");
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let value = pattern(1, most + 1);
    client.store(&at, &value[..most]).await?;
    refused("a store over max_value", client.store(&at, &value).await, ErrorKind::TooLarge)?;
    ensure!(*client.load(&at).await? == value[..most], "the refused store changed the old value");
    Ok(())
}

pub(crate) async fn store_6(cx: &Context) -> Case {
    let (client, other) = cx.open_two().await?;
    let at = key("a/versioned");
    for value in [&b"1"[..], b"2", b"2", b"3"] {
        let stored: Version = client.store(&at, value).await?;
        for reader in [&client, &other] {
            same("the version of a load", &reader.load_versioned(&at).await?.version, &stored)?;
            same("the version of a stat", &reader.stat(&at).await?.version, &Some(stored.clone()))?;
        }
    }
    Ok(())
}
