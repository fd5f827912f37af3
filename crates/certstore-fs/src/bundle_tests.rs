use certstore_core::journal::JournalStore;
use certstore_core::{Condition, Dir, ErrorKind, Key, Locker, Storage};

use crate::{FsConfig, FsStorage};

/// The journal of a first bundle, as its format is documented: number of entries, then name, version before, value.
fn journal(values: &[(&str, &str)]) -> Vec<u8> {
    let mut journal = b"certstore-journal 1\n".to_vec();
    journal.extend(u32::try_from(values.len()).unwrap().to_be_bytes());
    for (name, value) in values {
        for field in [*name, "", *value] {
            journal.extend(u32::try_from(field.len()).unwrap().to_be_bytes());
            journal.extend(field.as_bytes());
        }
    }
    journal
}

struct Left {
    storage: FsStorage,
    key: Key,
    crt: Key,
    _dir: tempfile::TempDir,
}

/// A writer was killed after the first of two values.
async fn left_behind() -> Left {
    let dir = tempfile::tempdir().unwrap();
    let storage = FsStorage::open(&FsConfig::new(dir.path())).unwrap();
    let (key, crt): (Key, Key) = ("a/x.key".parse().unwrap(), "a/x.crt".parse().unwrap());
    storage.store(&key, b"key").await.unwrap();
    let at: Dir = "a".parse().unwrap();
    storage.write_journal(&at, &journal(&[("x.key", "key"), ("x.crt", "crt")])).await.unwrap();
    assert_eq!(storage.load_bundle(&[&key, &crt]).await.unwrap(), ["key", "crt"]);
    Left { storage, key, crt, _dir: dir }
}

#[tokio::test]
async fn a_journal_brings_no_deleted_value_back() {
    let Left { storage, key, crt, _dir } = left_behind().await;
    storage.delete(&key).await.unwrap();
    let missing = storage.load_bundle(&[&key, &crt]).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert_eq!(storage.load_bundle(&[&crt]).await.unwrap(), ["crt"], "the rest of the set stands");
    // The next bundle of the directory finishes it.
    storage.store_all(&[(&"a/y".parse().unwrap(), b"y")]).await.unwrap();
    assert!(storage.read_journal(&key.parent()).await.unwrap().is_none());
    assert_eq!(storage.load(&crt).await.unwrap(), "crt");
    assert!(storage.load(&key).await.is_err());
}

#[tokio::test]
async fn nor_after_a_conditional_or_a_fenced_delete() {
    let Left { storage, key, crt, _dir } = left_behind().await;
    let version = storage.load_versioned(&key).await.unwrap().version;
    storage.delete_if(&key, &version).await.unwrap();
    assert!(storage.load_bundle(&[&key, &crt]).await.is_err());

    let Left { storage, key, crt, _dir } = left_behind().await;
    let lock = storage.lock(&"job".parse().unwrap()).await.unwrap();
    storage.delete_fenced(&key, &lock).await.unwrap();
    assert!(storage.load_bundle(&[&key, &crt]).await.is_err());
}

#[tokio::test]
async fn a_refused_delete_settles_nothing() {
    let Left { storage, key, crt, _dir } = left_behind().await;
    let old = storage.load_versioned(&key).await.unwrap().version;
    storage.store_if(&key, b"key", &Condition::Version(old.clone())).await.unwrap();
    let refused = storage.delete_if(&key, &old).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert!(storage.read_journal(&key.parent()).await.unwrap().is_some());
    assert_eq!(storage.load(&crt).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_deleted_directory_takes_its_journal_along() {
    let Left { storage, key, crt, _dir } = left_behind().await;
    storage.delete(&"a".parse().unwrap()).await.unwrap();
    assert!(storage.load_bundle(&[&key, &crt]).await.is_err());
}
