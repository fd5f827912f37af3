use std::sync::Arc;

use certmagic::Storage as _;
use certmagic::error::{Error, StorageError};
use certstore_conformance::Gate;
use certstore_conformance::fault::{MAX_CUTS, cut_after};
use certstore_core::{Cas, Tree};

use crate::CertstoreStorage;

/// One backend for each way to move.
fn backends() -> Vec<Arc<Gate>> {
    let mut backends = vec![Gate::new()];
    for cas in [Cas::CreateOnly, Cas::None] {
        for tree in [Tree::Exclusive, Tree::Overlapping] {
            backends.push(Gate::declaring(|mut able| {
                (able.cas, able.tree) = (cas, tree);
                able
            }));
        }
    }
    backends
}

#[tokio::test]
async fn a_value_moves_and_nothing_is_overwritten() {
    for gate in backends() {
        let storage = CertstoreStorage::new(gate);
        storage.store("c/a.key", b"key").await.unwrap();
        storage.store("old/a.key", b"old").await.unwrap();
        storage.move_key("c/a.key", "/c//a.key").await.unwrap();
        let taken = storage.move_key("c/a.key", "old/a.key").await.unwrap_err();
        assert!(matches!(taken, Error::Storage(StorageError::Conflict(_))), "{taken}");
        assert_eq!(storage.load("c/a.key").await.unwrap(), b"key");
        assert_eq!(storage.load("old/a.key").await.unwrap(), b"old");
        storage.move_key("c/a.key", "old/b.key").await.unwrap();
        assert!(!storage.exists("c").await.unwrap());
        assert_eq!(storage.load("old/b.key").await.unwrap(), b"key");
        let missing = storage.move_key("c/a.key", "old/c.key").await.unwrap_err();
        assert!(matches!(missing, Error::Storage(StorageError::NotFound(_))), "{missing}");
        assert!(!storage.exists("old/c.key").await.unwrap());
    }
}

#[tokio::test]
async fn a_directory_does_not_move() {
    for gate in backends() {
        let storage = CertstoreStorage::new(gate);
        storage.store("c/a.key", b"key").await.unwrap();
        let error = storage.move_key("c", "d").await.unwrap_err();
        assert!(matches!(error, Error::Storage(StorageError::NotFound(_))), "{error}");
        assert!(storage.exists("c/a.key").await.unwrap() && !storage.exists("d").await.unwrap());
    }
}

#[tokio::test]
async fn a_move_that_is_cut_loses_nothing() {
    for polls in 1..MAX_CUTS {
        let storage = CertstoreStorage::new(Gate::new());
        storage.store("c/a.key", b"key").await.unwrap();
        let done = cut_after(storage.move_key("c/a.key", "old/a.key"), polls).await;
        let mut copies = Vec::new();
        for key in ["c/a.key", "old/a.key"] {
            copies.extend(storage.load(key).await.ok());
        }
        assert!(!copies.is_empty() && copies.iter().all(|copy| copy == b"key"));
        if done.is_some() {
            assert_eq!(copies.len(), 1);
            return;
        }
    }
    panic!("the move never ended");
}
