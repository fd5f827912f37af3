//! Changes as they happen, and the truth about those that were missed.

use certstore_conformance::servers::RedisOptions;
use certstore_core::{Change, Dir, Storage as _};
use futures_util::StreamExt as _;

use crate::{LIMIT, config, key, open, start, until, within};

#[tokio::test]
async fn an_outage_is_told() {
    let server = start(RedisOptions::default());
    let (storage, other) = (open(&config(&server)).await, open(&config(&server)).await);
    let mut changes = storage.watch(&Dir::ROOT).await.expect("watched");
    other.store(&key("a/b"), b"1").await.expect("stored");
    let next =
        within("a change", LIMIT, changes.next()).await.expect("a change").expect("no error");
    assert_eq!(next, Change::Stored(key("a/b")));
    server.process().expect("our own").restart().expect("restarted");
    let next =
        within("an outage", LIMIT, changes.next()).await.expect("a change").expect("no error");
    assert_eq!(next, Change::Overflow);
    until("the other one works again", || async { other.store(&key("c"), b"1").await.is_ok() })
        .await;
    let next =
        within("a change", LIMIT, changes.next()).await.expect("a change").expect("no error");
    assert_eq!(next, Change::Stored(key("c")));
}

#[tokio::test]
async fn databases_are_apart() {
    let server = start(RedisOptions::default());
    let mut elsewhere = config(&server);
    elsewhere.db = 1;
    let (storage, other) = (open(&config(&server)).await, open(&elsewhere).await);
    let mut changes = storage.watch(&Dir::ROOT).await.expect("watched");
    other.store(&key("a"), b"1").await.expect("stored");
    storage.store(&key("b"), b"1").await.expect("stored");
    let next =
        within("a change", LIMIT, changes.next()).await.expect("a change").expect("no error");
    assert_eq!(next, Change::Stored(key("b")));
    assert!(!storage.exists(&key("a")).await.expect("an answer"));
}
