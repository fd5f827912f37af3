use std::sync::Arc;

use certstore_core::{
    Change, Condition, Dir, ErrorKind, Key, Locker as _, MemoryStorage, Storage as _,
};
use futures_util::StreamExt as _;

use super::PrefixStorage;

fn key(text: &str) -> Key {
    Key::new(text).expect("a key")
}

fn below(inside: &MemoryStorage, directory: &str) -> PrefixStorage {
    PrefixStorage::new(Arc::new(inside.handle()), key(directory))
}

#[tokio::test]
async fn two_prefixes_of_one_storage_know_nothing_of_each_other() {
    let inside = MemoryStorage::new();
    let (one, other) = (below(&inside, "one"), below(&inside, "other"));
    one.store(&key("a/b"), b"1").await.unwrap();
    assert!(!other.exists(&key("a")).await.unwrap());
    assert!(other.list(&Dir::ROOT, true).await.unwrap().is_empty(), "the root is always there");
    assert_eq!(inside.load(&key("one/a/b")).await.unwrap().as_ref(), b"1");
    let (held, theirs) = (
        one.lock(&"job".parse().unwrap()).await.unwrap(),
        other.try_lock(&"job".parse().unwrap()).await,
    );
    let theirs = theirs.unwrap().expect("a lock of another prefix is another lock");
    assert_eq!(held.name().as_str(), "job");
    assert_eq!(
        one.locks().await.unwrap().iter().map(|lock| &*lock.name).collect::<Vec<_>>(),
        ["job"]
    );
    let mut all: Vec<String> =
        inside.locks().await.unwrap().into_iter().map(|lock| lock.name).collect();
    all.sort();
    assert_eq!(all, ["one/job", "other/job"]);
    one.store_fenced(&key("a/b"), b"2", &held).await.unwrap();
    held.unlock().await.unwrap();
    theirs.unlock().await.unwrap();
    assert!(inside.locks().await.unwrap().is_empty(), "both were given back inside");
}

#[tokio::test]
async fn an_older_holder_is_fenced_as_without_a_prefix() {
    let inside = MemoryStorage::new();
    let (first, second) = (below(&inside, "p"), below(&inside, "p"));
    let name = "job".parse().unwrap();
    let old = first.lock(&name).await.unwrap();
    first.break_lock(&name, old.token()).await.unwrap();
    let new = second.lock(&name).await.unwrap();
    second.store_fenced(&key("a"), b"new", &new).await.unwrap();
    let late = first.store_fenced(&key("a"), b"old", &old).await.unwrap_err();
    assert!(matches!(late.kind(), ErrorKind::Fenced | ErrorKind::LockLost), "{late}");
    assert_eq!(first.load(&key("a")).await.unwrap().as_ref(), b"new");
}

#[tokio::test]
async fn errors_name_keys_as_the_caller_knows_them() {
    let storage = below(&MemoryStorage::new(), "prod/eu");
    let missing = storage.load(&key("a/b")).await.unwrap_err();
    assert_eq!((missing.kind(), missing.subject()), (ErrorKind::NotFound, Some("a/b")));
    storage.store(&key("a"), b"1").await.unwrap();
    let conflict = storage.store_if(&key("a"), b"2", &Condition::Absent).await.unwrap_err();
    assert_eq!(conflict.subject(), Some("a"));
    let long = vec!["x".repeat(200); 5].join("/");
    let long = key(&long[..998]);
    let refused = storage.store(&long, b"").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidKey);
    assert!(refused.to_string().contains("below the directory \"prod/eu\""), "{refused}");
    assert!(!refused.to_string().contains('\n'));
    let name = "l".repeat(510).parse().unwrap();
    assert_eq!(storage.lock(&name).await.unwrap_err().kind(), ErrorKind::InvalidKey);
}

#[tokio::test]
async fn what_lies_at_locks_inside_is_foreign() {
    let inside = MemoryStorage::new();
    let storage = below(&inside, "p");
    inside.store(&key("p/locks/x"), b"1").await.unwrap();
    storage.store(&key("a"), b"1").await.unwrap();
    assert_eq!(storage.list(&Dir::ROOT, true).await.unwrap(), [key("a")]);
    let walked: Vec<_> = storage.walk(&Dir::ROOT).collect().await;
    assert_eq!(walked.len(), 1);
    assert_eq!(storage.foreign(&Dir::ROOT).await.unwrap(), ["locks"]);
}

#[tokio::test]
async fn changes_outside_are_not_told_and_the_loss_of_everything_is() {
    let inside = MemoryStorage::new();
    let storage = below(&inside, "p/q");
    let mut changes = storage.watch(&Dir::ROOT).await.unwrap();
    inside.store(&key("other/a"), b"1").await.unwrap();
    storage.store(&key("a"), b"1").await.unwrap();
    assert_eq!(changes.next().await.unwrap().unwrap(), Change::Stored(key("a")));
    storage.delete(&key("a")).await.unwrap();
    assert_eq!(changes.next().await.unwrap().unwrap(), Change::Deleted(key("a")));
    storage.store(&key("b"), b"1").await.unwrap();
    assert_eq!(changes.next().await.unwrap().unwrap(), Change::Stored(key("b")));
    inside.delete(&key("p/q")).await.unwrap();
    assert_eq!(changes.next().await.unwrap().unwrap(), Change::Overflow);
}
