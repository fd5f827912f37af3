//! Versions that do not return, and writers that do not wait for each other in a circle.

use std::sync::Arc;
use std::time::{Duration, Instant};

use certstore_core::{Condition, ErrorKind, Key, Storage as _};
use certstore_postgres::{Layout, PostgresStorage};

use crate::{Database, key};

#[tokio::test]
async fn a_version_does_not_return_when_the_sequence_goes_back() {
    let database = Database::new();
    let storage = database.open().await;
    let at = key("a");
    let set_back = || database.sql("SELECT setval('certstore_versions', 1000)");
    set_back();
    let lost = storage.store(&at, b"lost").await.expect("stored");
    // As after a failover: the value and the last numbers are gone.
    storage.delete(&at).await.expect("deleted");
    set_back();
    let kept = storage.store(&at, b"kept").await.expect("stored");
    let number = |version: &certstore_core::Version| {
        version.as_str().split('.').next().expect("a number").to_owned()
    };
    assert_eq!(number(&lost), number(&kept), "the sequence did not go back");
    assert_ne!(lost, kept);
    let error = storage.store_if(&at, b"x", &Condition::Version(lost.clone())).await;
    assert_eq!(error.expect_err("another version").kind(), ErrorKind::Conflict);
    let error = storage.delete_if(&at, &lost).await.expect_err("another version");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(storage.load_versioned(&at).await.expect("there").version, kept);
    assert_eq!(storage.stat(&at).await.expect("there").version.as_ref(), Some(&kept));
    let next = storage.store_if(&at, b"y", &Condition::Version(kept)).await.expect("this version");
    storage.delete_if(&at, &next).await.expect("this version");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bundles_and_deletes_of_their_directory_do_not_deadlock() {
    for layout in [Layout::Certstore, Layout::Caddy] {
        let database = Database::new();
        let mut config = database.config();
        config.layout = layout;
        let storage = Arc::new(PostgresStorage::open(&config).await.expect("opens"));
        let until = Instant::now() + Duration::from_secs(3);
        let tasks: Vec<_> = (0..6)
            .map(|task| {
                let storage = storage.clone();
                tokio::spawn(async move {
                    // Rows lie in another order than keys do.
                    let keys: Vec<Key> =
                        (0..40).map(|n| key(&format!("dir/{:02}", n * 7 % 40))).collect();
                    let items: Vec<(&Key, &[u8])> =
                        keys.iter().map(|key| (key, &b"x"[..])).collect();
                    while Instant::now() < until {
                        if task % 3 == 0 {
                            storage.delete(&key("dir")).await.expect("deleted");
                        } else {
                            storage.store_all(&items).await.expect("stored");
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("runs");
        }
        drop(storage);
        let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
        assert_eq!(database.sql(deadlocks), "0", "{layout:?}");
    }
}
