//! Servers that stop answering, and scripts that they forget.

use std::time::{Duration, Instant};

use certstore_conformance::servers::RedisOptions;
use certstore_core::{Dir, Error, ErrorKind, Locker as _, Storage as _};

use crate::{config, key, name, open, start, until};

/// Whether no cause of an error says what the one before it says.
fn tells_nothing_twice(error: &Error) -> bool {
    let mut told = vec![error.to_string()];
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        told.push(cause.to_string());
        source = cause.source();
    }
    told.windows(2).all(|pair| !pair[0].contains(&pair[1]))
}

#[tokio::test]
async fn a_paused_server_keeps_nobody_waiting() {
    let server = start(RedisOptions::default());
    let mut config = config(&server);
    config.timeout = Duration::from_millis(300);
    config.connect_timeout = Duration::from_millis(300);
    let storage = open(&config).await;
    storage.store(&key("a"), b"1").await.expect("stored");
    server.process().expect("our own").pause().expect("paused");

    let slow = |what: &str, begun: Instant, result: Result<(), Error>, unclear: bool| {
        let error = result.expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{what}: {error:?}");
        assert_eq!(error.may_have_applied(), unclear, "{what}: {error:?}");
        assert!(begun.elapsed() < Duration::from_secs(3), "{what} took {:?}", begun.elapsed());
        assert!(tells_nothing_twice(&error), "{what}: {error:?}");
    };
    let begun = Instant::now();
    slow("store", begun, storage.store(&key("a"), b"2").await.map(drop), true);
    let begun = Instant::now();
    slow("load", begun, storage.load(&key("a")).await.map(drop), false);
    let begun = Instant::now();
    slow("exists", begun, storage.exists(&key("a")).await.map(drop), false);
    let begun = Instant::now();
    slow("list", begun, storage.list(&Dir::ROOT, true).await.map(drop), false);
    let begun = Instant::now();
    let tried = storage.try_lock(&name("job")).await.expect_err("no lock");
    assert_eq!(tried.kind(), ErrorKind::Unavailable, "{tried:?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());

    server.process().expect("our own").resume().expect("resumed");
    until("it answers again", || async { storage.load(&key("a")).await.is_ok() }).await;
    storage.store(&key("a"), b"3").await.expect("stored");
    assert_eq!(storage.load(&key("a")).await.expect("loaded").as_ref(), b"3");
}

#[tokio::test]
async fn a_server_that_forgets_scripts() {
    let server = start(RedisOptions::default());
    let storage = open(&config(&server)).await;
    for round in 0..2 {
        storage.store(&key("a/b"), b"1").await.expect("stored");
        assert_eq!(storage.list(&Dir::ROOT, true).await.expect("listed").len(), 2);
        let lock = storage.lock(&name("job")).await.expect("locked");
        server.cli(&["SCRIPT", "FLUSH"]).expect("forgotten");
        storage.store_fenced(&key("a/b"), b"2", &lock).await.expect("stored");
        server.cli(&["SCRIPT", "FLUSH"]).expect("forgotten");
        lock.unlock().await.unwrap_or_else(|error| panic!("round {round}: {error:?}"));
        storage.delete(&key("a")).await.expect("deleted");
    }
}

#[tokio::test]
async fn a_large_subtree_goes_step_by_step() {
    let server = start(RedisOptions::default());
    let storage = open(&config(&server)).await;
    let script = "for i = 1, 10000 do \
         redis.call('SET', '{test}:value:a/d' .. (i % 7) .. '/k' .. i, 'cs1 0063 ' .. string.rep('0', 32) .. ' ' .. string.rep('0', 20) .. '\\nv') \
         redis.call('ZADD', '{test}:index', 0, 'a/d' .. (i % 7) .. '/k' .. i, 0, 'a/d' .. (i % 7) .. '!', 0, 'a!') end";
    server.cli(&["EVAL", script, "0"]).expect("filled");
    storage.store(&key("a-b"), b"1").await.expect("stored");
    assert_eq!(
        storage.list(&"a".parse().expect("a directory"), true).await.expect("listed").len(),
        10_007
    );
    storage.delete(&key("a")).await.expect("deleted");
    assert_eq!(storage.list(&Dir::ROOT, true).await.expect("listed"), [key("a-b")]);
    assert_eq!(
        server.cli(&["--scan", "--pattern", "{test}:value:*"]).expect("told"),
        "{test}:value:a-b"
    );
}
