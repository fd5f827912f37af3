//! The index of keys and directories, after what was left half done or put there by others.

use certstore_conformance::servers::{RedisOptions, RedisServer};
use certstore_core::{Change, Dir, Error, ErrorKind, Storage as _};
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::{LIMIT, config, key, open, start, within};

const DELETE: &str = concat!(
    include_str!("../../src/scripts/tree.lua"),
    include_str!("../../src/scripts/delete.lua")
);

/// One step of a delete.
fn step(server: &RedisServer, channel: &str, key: &str) -> String {
    let words = ["EVAL", DELETE, "1", "{test}:index", channel, key, "{test}:value:", "4096"];
    server.cli(&words).expect("a step")
}

/// `a/b/x` and more than one step of others.
async fn filled(server: &RedisServer) -> certstore_redis::RedisStorage {
    let storage = open(&config(server)).await;
    storage.store(&key("a/b/x"), b"1").await.expect("stored");
    let script = "for i = 1, 5000 do local k = string.format('a/b-%05d', i) \
         redis.call('SET', '{test}:value:' .. k, 'cs1 0063 ' .. string.rep('0', 32) .. ' ' .. string.rep('0', 20) .. '\\nv') \
         redis.call('ZADD', '{test}:index', 0, k) end";
    server.cli(&["EVAL", script, "0"]).expect("filled");
    storage
}

#[tokio::test]
async fn a_delete_that_stopped_midway_leaves_no_empty_directory() {
    let server = start(RedisOptions::default());
    let storage = filled(&server).await;
    assert_eq!(step(&server, "", "a"), "1");
    assert!(!storage.exists(&key("a/b/x")).await.expect("an answer"));
    assert!(!storage.exists(&key("a/b")).await.expect("an answer"), "nothing lies below");
    assert!(storage.exists(&key("a")).await.expect("an answer"));
    storage.store(&key("a/b"), b"1").await.expect("there is no directory in the way");
    storage.delete(&key("a")).await.expect("deleted");
    assert!(storage.list(&Dir::ROOT, true).await.expect("listed").is_empty());
}

#[tokio::test]
async fn a_delete_that_stopped_midway_is_told() {
    let server = start(RedisOptions::default());
    let storage = filled(&server).await;
    let mut changes = storage.watch(&"a/b".parse().expect("a directory")).await.expect("watched");
    let mut elsewhere = storage.watch(&"c".parse().expect("a directory")).await.expect("watched");
    assert_eq!(step(&server, "{test}:changes:0", "a"), "1");
    let next = within("a change", LIMIT, changes.next()).await.expect("a change");
    assert_eq!(next.expect("no error"), Change::Overflow);
    storage.store(&key("c/d"), b"1").await.expect("stored");
    let next = within("a change", LIMIT, elsewhere.next()).await.expect("a change");
    assert_eq!(next.expect("no error"), Change::Stored(key("c/d")));
}

#[tokio::test]
async fn an_empty_directory_can_be_deleted() {
    let server = start(RedisOptions::default());
    let storage = open(&config(&server)).await;
    server.cli(&["ZADD", "{test}:index", "0", "p!", "0", "p/q!"]).expect("left by somebody");
    assert!(storage.exists(&key("p/q")).await.expect("an answer"));
    storage.delete(&key("p/q")).await.expect("deleted");
    assert!(storage.list(&Dir::ROOT, true).await.expect("listed").is_empty());
    storage.store(&key("p"), b"1").await.expect("stored");
}

#[tokio::test]
async fn a_bundle_over_what_is_no_value_changes_nothing() {
    let server = start(RedisOptions::default());
    let storage = open(&config(&server)).await;
    server.cli(&["SET", "{test}:value:q/two", "text"]).expect("set");
    let (one, two) = (key("q/one"), key("q/two"));
    let error = storage.store_all(&[(&one, b"1"), (&two, b"2")]).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    assert!(!error.may_have_applied(), "{error:?}");
    assert_eq!(storage.load(&one).await.expect_err("no value").kind(), ErrorKind::NotFound);
    assert!(storage.list(&Dir::ROOT, true).await.expect("listed").is_empty());
    assert_eq!(server.cli(&["GET", "{test}:value:q/two"]).expect("told"), "text");
}

#[tokio::test]
async fn foreign_names_are_told_apart() {
    let server = start(RedisOptions::default());
    let storage = open(&config(&server)).await;
    storage.store(&key("a/b"), b"1").await.expect("stored");
    server.cli(&["ZADD", "{test}:index", "0", "a/*", "0", "a/ !", "0", "x//y"]).expect("added");
    assert_eq!(storage.foreign(&Dir::ROOT).await.expect("told"), ["a/ ", "a/*", "x//y"]);
    assert_eq!(storage.foreign(&"a".parse().expect("a directory")).await.expect("told").len(), 2);
    let listed = storage.list(&Dir::ROOT, true).await.expect("listed");
    assert_eq!(listed, [key("a"), key("a/b")]);
    let walked: Vec<_> = storage.walk(&Dir::ROOT).try_collect().await.expect("walked");
    assert_eq!(walked.len(), 2);
}

#[tokio::test]
async fn several_values_are_told_as_one_by_one() {
    let server = start(RedisOptions::default());
    let storage = open(&config(&server)).await;
    let names = ["a/value", "a/missing", "a/hash", "a/text"].map(key);
    storage.store(&names[0], b"1").await.expect("stored");
    server.cli(&["HSET", "{test}:value:a/hash", "field", "1"]).expect("set");
    server.cli(&["SET", "{test}:value:a/text", "text"]).expect("set");
    let keys: Vec<_> = names.iter().collect();
    let several = storage.load_many(&keys).await;
    let told = |found: &Result<bytes::Bytes, Error>| match found {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{error:?}"),
    };
    for (key, found) in names.iter().zip(&several) {
        assert_eq!(told(found), told(&storage.load(key).await), "{key}");
    }
    let kinds = several.iter().map(|found| found.as_ref().err().map(Error::kind));
    assert_eq!(
        kinds.collect::<Vec<_>>(),
        [None, Some(ErrorKind::NotFound), Some(ErrorKind::Corrupt), Some(ErrorKind::Corrupt)]
    );
    let bundle = storage.load_bundle(&[&names[0], &names[2]]).await.expect_err("a hash");
    assert_eq!(bundle.kind(), ErrorKind::Corrupt, "{bundle:?}");
}
