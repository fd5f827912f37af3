//! A plain store over a value that is there: one `SET`, and what happens when the value is not there after all.

use certstore_conformance::servers::RedisOptions;
use certstore_core::{Change, Dir, ErrorKind, Locker as _, Storage as _};
use futures_util::StreamExt as _;

use crate::proxy::Proxy;
use crate::{LIMIT, config, key, name, open, start, through, within};

#[tokio::test]
async fn a_value_that_somebody_deleted_is_stored_with_its_name() {
    let server = start(RedisOptions::default());
    let proxy = Proxy::start(server.port());
    let (storage, other) = (open(&through(&proxy)).await, open(&config(&server)).await);
    storage.store(&key("a/b"), b"1").await.expect("stored");
    other.delete(&key("a")).await.expect("deleted");
    let before = proxy.round_trips();
    storage.store(&key("a/b"), b"2").await.expect("stored");
    assert_eq!(proxy.round_trips() - before, 2, "a wrong guess costs one more");
    assert_eq!(storage.list(&Dir::ROOT, true).await.expect("listed"), [key("a"), key("a/b")]);
    assert_eq!(&other.load(&key("a/b")).await.expect("there")[..], b"2");
}

#[tokio::test]
async fn what_became_a_directory_is_no_value_again() {
    let server = start(RedisOptions::default());
    let (storage, other) = (open(&config(&server)).await, open(&config(&server)).await);
    storage.store(&key("a"), b"1").await.expect("stored");
    other.delete(&key("a")).await.expect("deleted");
    other.store(&key("a/b"), b"2").await.expect("stored");
    let error = storage.store(&key("a"), b"3").await.expect_err("a directory");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    assert_eq!(storage.list(&Dir::ROOT, true).await.expect("listed"), [key("a"), key("a/b")]);
}

#[tokio::test]
async fn what_was_loaded_is_overwritten_in_one_round_trip_and_told() {
    let server = start(RedisOptions::default());
    let proxy = Proxy::start(server.port());
    let (storage, other) = (open(&through(&proxy)).await, open(&config(&server)).await);
    other.store(&key("a/b"), b"1").await.expect("stored");
    let mut changes = other.watch(&Dir::ROOT).await.expect("watched");
    storage.load(&key("a/b")).await.expect("there");
    server.cli(&["SCRIPT", "FLUSH"]).expect("forgotten");
    let before = proxy.round_trips();
    storage.store(&key("a/b"), b"2").await.expect("stored");
    assert_eq!(proxy.round_trips() - before, 1, "no script was asked for");
    let next = within("a change", LIMIT, changes.next()).await.expect("a change");
    assert_eq!(next.expect("no error"), Change::Stored(key("a/b")));
}

#[tokio::test]
async fn a_plain_store_clears_the_stamp() {
    let server = start(RedisOptions::default());
    let storage = open(&config(&server)).await;
    let stored = || server.cli(&["GET", "{test}:value:a"]).expect("there");
    let lock = storage.lock(&name("job")).await.expect("locked");
    storage.store_fenced(&key("a"), b"1", &lock).await.expect("stored");
    storage.load(&key("a")).await.expect("there");
    assert!(stored().contains("job\n1"), "{}", stored());
    let version = storage.store(&key("a"), b"2").await.expect("stored");
    let text = stored();
    assert!(text.starts_with(&format!("cs1 0063 {} ", version.as_str())), "{text}");
    assert!(text.ends_with("\n2"), "{text}");
    lock.unlock().await.expect("held");
}

#[tokio::test]
async fn what_was_found_missing_is_not_guessed_to_be_there() {
    let server = start(RedisOptions::default());
    let proxy = Proxy::start(server.port());
    let (storage, other) = (open(&through(&proxy)).await, open(&config(&server)).await);
    let (one, two, three) = (key("a/one"), key("a/two"), key("a/three"));
    for key in [&one, &two, &three] {
        storage.store(key, b"1").await.expect("stored");
    }
    other.delete(&key("a")).await.expect("deleted");
    storage.load(&one).await.expect_err("deleted");
    storage.load_versioned(&two).await.expect_err("deleted");
    assert!(storage.load_many(&[&three]).await[0].is_err());
    for key in [&one, &two, &three] {
        let before = proxy.round_trips();
        storage.store(key, b"2").await.expect("stored");
        assert_eq!(proxy.round_trips() - before, 1, "{key}");
    }
}
