//! Errors of the backend, provoked.

use std::error::Error as _;

use certstore_core::{Cas, Condition, Error, ErrorKind, FencingToken, Result, VersionKind};

use crate::case::{Case, ensure, same};
use crate::context::{Context, key, name};

/// An error with what it must name.
struct Provoked {
    call: &'static str,
    subject: String,
    error: Error,
}

/// Every error that can be had without a fault.
async fn provoke(cx: &Context) -> Case<Vec<Provoked>> {
    let client = cx.open().await?;
    let (missing, at) = (key("dir/missing"), key("dir/value"));
    client.store(&at, b"value").await?;
    let mut provoked = Vec::new();
    // A call that wrongly succeeds breaks a clause of its own.
    let mut add = |call, subject: &str, result: Result<()>| {
        if let Err(error) = result {
            provoked.push(Provoked { call, subject: subject.to_owned(), error });
        }
    };
    add("load", "dir/missing", client.load(&missing).await.map(drop));
    add("stat", "dir/missing", client.stat(&missing).await.map(drop));
    add("load bundle", "dir/missing", client.load_bundle(&[&missing]).await.map(drop));
    add("list", "dir/missing", client.list(&(&missing).into(), false).await.map(drop));
    if cx.capabilities().version != VersionKind::None {
        add("load_versioned", "dir/missing", client.load_versioned(&missing).await.map(drop));
    }
    if cx.capabilities().cas != Cas::None {
        add(
            "store_if",
            "dir/value",
            client.store_if(&at, b"x", &Condition::Absent).await.map(drop),
        );
    }
    let held = client.lock(&name("error")).await?;
    add("break_lock", "error", client.break_lock(held.name(), FencingToken(1)).await);
    drop(client.break_lock(held.name(), held.token()).await);
    add("unlock", "error", held.unlock().await);
    if let Some(faulty) = cx.factory().open_faulty(&cx.another_namespace()).await? {
        add("load from a faulty storage", "dir/value", faulty.load(&at).await.map(drop));
        add("store to a faulty storage", "dir/value", faulty.store(&at, b"x").await.map(drop));
        add("delete from a faulty storage", "dir/value", faulty.delete(&at).await);
    }
    ensure!(provoked.len() > 2, "nearly no call fails: {}", provoked.len());
    Ok(provoked)
}

pub(crate) async fn error_1(cx: &Context) -> Case {
    for Provoked { call, error, .. } in provoke(cx).await? {
        let text = error.to_string();
        let one_line = !text.is_empty() && !text.contains(['\n', '\r']);
        ensure!(one_line, "the error of {call} is not one line: {text:?}");
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            let repeats = !cause_text.is_empty() && text.contains(&cause_text);
            ensure!(!repeats, "the error of {call} repeats its source {cause_text:?}: {text:?}");
            source = cause.source();
        }
    }
    let source = std::io::Error::other("the cause");
    let error = Error::new(ErrorKind::Other, "the message").with_source(source);
    same("an error with a source", &error.to_string(), &"the message".to_owned())
}

pub(crate) async fn error_2(cx: &Context) -> Case {
    let backend = cx.open().await?.backend();
    for Provoked { call, subject, error } in provoke(cx).await? {
        ensure!(error.operation().is_some(), "the error of {call} names no operation: {error:?}");
        same(
            &format!("what the error of {call} is about"),
            &error.subject(),
            &Some(subject.as_str()),
        )?;
        let named = error.backend().unwrap_or_default();
        // Locks may come from another backend than values.
        let of_lock = matches!(call, "break_lock" | "unlock") && !named.is_empty();
        if !of_lock {
            same(&format!("the backend in the error of {call}"), &named, &backend)?;
        }
        for part in [error.operation().unwrap_or_default(), subject.as_str(), named] {
            ensure!(error.to_string().contains(part), "the text of {call} lacks {part:?}: {error}");
        }
    }
    Ok(())
}
