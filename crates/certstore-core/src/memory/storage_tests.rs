use std::time::Duration;

use crate::{Dir, ErrorKind, Locker, MemoryConfig, MemoryStorage, Storage};

#[tokio::test]
async fn handles_are_clients_of_the_same_data_and_locks() {
    let one = MemoryStorage::new();
    let other = one.handle();
    let key = "a/b".parse().unwrap();
    one.store(&key, b"1").await.unwrap();
    assert_eq!(other.load(&key).await.unwrap().as_ref(), b"1");
    let lock = one.lock(&"job".parse().unwrap()).await.unwrap();
    assert!(other.try_lock(&"job".parse().unwrap()).await.unwrap().is_none());
    lock.unlock().await.unwrap();
    assert!(other.try_lock(&"job".parse().unwrap()).await.unwrap().is_some());
    assert!(MemoryStorage::new().list(&Dir::ROOT, true).await.unwrap().is_empty());
}

#[test]
fn a_lease_too_short_to_renew_is_refused() {
    let config = MemoryConfig { lease: Duration::from_millis(10), ..MemoryConfig::default() };
    let error = MemoryStorage::with_config(config).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert_eq!(error.to_string(), "memory: a lease has at least 100 ms; 15 s or more suits most");
}

#[tokio::test]
async fn a_value_over_the_limit_leaves_the_old_one() {
    let config = MemoryConfig { max_value: Some(3), ..MemoryConfig::default() };
    let storage = MemoryStorage::with_config(config).unwrap();
    let key = "a".parse().unwrap();
    storage.store(&key, b"123").await.unwrap();
    assert_eq!(storage.store(&key, b"1234").await.unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(storage.load(&key).await.unwrap().as_ref(), b"123");
}

#[tokio::test]
async fn debug_shows_no_values() {
    let storage = MemoryStorage::new();
    storage.store(&"a".parse().unwrap(), b"private").await.unwrap();
    assert_eq!(format!("{storage:?}"), "MemoryStorage { values: 1, .. }");
}
