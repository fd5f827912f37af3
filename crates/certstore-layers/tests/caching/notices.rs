//! Two nodes, and what one hears of the other.

use std::sync::Arc;
use std::time::Duration;

use certstore_core::{ErrorKind, MemoryStorage, Storage as _};
use certstore_layers::caching::{CachingStore, CopyOptions, Freshness};

use crate::support::{Switched, cached, key};

const LIMIT: Duration = Duration::from_secs(20);

/// A node whose copies would stand for a day, were it not told of changes.
async fn node(shared: &MemoryStorage) -> (CachingStore, Arc<Switched>) {
    let backing = Arc::new(Switched::over(shared.handle()));
    let day = Duration::from_secs(86_400);
    let copy = CopyOptions::new().freshness(Freshness::MaxAge(day));
    let (store, _clock) = cached(&backing, copy).await;
    // It listens once its task has had a turn or two.
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    (store, backing)
}

/// Until the node serves from its copy without asking.
async fn warm(node: &CachingStore, backing: &Switched, at: &certstore_core::Key) {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    node.load(at).await.expect("loaded");
    let asked = backing.asked();
    node.load(at).await.expect("loaded");
    assert_eq!(backing.asked(), asked, "served without asking");
}

#[tokio::test]
async fn a_change_of_one_node_is_told_to_the_other() {
    let shared = MemoryStorage::new();
    let (one, _) = node(&shared).await;
    let (two, backing) = node(&shared).await;
    let at = key("sites/a");
    one.store(&at, b"old").await.unwrap();
    assert_eq!(&*two.load(&at).await.unwrap(), b"old");
    warm(&two, &backing, &at).await;
    one.store(&at, b"new").await.unwrap();
    let seen = async {
        while &*two.load(&at).await.unwrap() != b"new" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, seen).await.expect("told, long before a day is over");

    warm(&two, &backing, &at).await;
    // A subtree: what lies below is gone too.
    one.delete(&key("sites")).await.unwrap();
    let gone = async {
        while two.load(&at).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, gone).await.expect("told");
    assert_eq!(two.load(&at).await.unwrap_err().kind(), ErrorKind::NotFound);
    backing.set_down(true);
    let not_served = two.load(&at).await.unwrap_err();
    assert_eq!(not_served.kind(), ErrorKind::Unavailable, "deleted, so not served either");
}

#[tokio::test]
async fn many_changes_at_once_are_not_missed() {
    let shared = MemoryStorage::new();
    let (two, backing) = node(&shared).await;
    let at = key("sites/a");
    shared.store(&at, b"old").await.unwrap();
    warm(&two, &backing, &at).await;
    shared.store(&at, b"new").await.unwrap();
    // More than the watch keeps: it can only say that something was missed.
    for number in 0..3000 {
        shared.store(&key(&format!("others/{number}")), b"x").await.unwrap();
    }
    let seen = async {
        while &*two.load(&at).await.unwrap() != b"new" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, seen).await.expect("told");
}
