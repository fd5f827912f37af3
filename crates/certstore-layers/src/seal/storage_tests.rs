use std::sync::Arc;

use bytes::Bytes;
use certstore_core::{
    Change, Dir, ErrorKind, Key, Locker, MemoryConfig, MemoryStorage, Storage, VersionKind,
};
use futures_util::{FutureExt, StreamExt, TryStreamExt};

use super::super::{Algorithm, Keyset, OutputPrefix, SealOptions};
use super::SealedStorage;
use super::marker::{CONTENT, MARKER};

fn key(key: &str) -> Key {
    key.parse().unwrap()
}

fn keyset() -> Keyset {
    Keyset::create(Algorithm::Aes256Gcm, OutputPrefix::Tink).unwrap()
}

fn sealed(inner: &MemoryStorage, keyset: &Keyset) -> SealedStorage {
    SealedStorage::new(Arc::new(inner.clone()), keyset.clone(), SealOptions::default())
}

async fn mark(inner: &MemoryStorage, keyset: &Keyset) {
    let marker = keyset.seal(CONTENT, MARKER.as_str().as_bytes()).unwrap();
    inner.store(&MARKER, &marker).await.unwrap();
}

#[tokio::test]
async fn associated_data_is_the_key_so_values_are_those_of_the_plugins() {
    let (inner, keyset) = (MemoryStorage::new(), keyset());
    let storage = sealed(&inner, &keyset);
    storage.store(&key("a/b.key"), b"private").await.unwrap();
    let stored = inner.load(&key("a/b.key")).await.unwrap();
    assert_eq!(keyset.open(stored, b"a/b.key").unwrap(), &b"private"[..]);
    inner.store(&key("c"), &keyset.seal(b"theirs", b"c").unwrap()).await.unwrap();
    assert_eq!(storage.load(&key("c")).await.unwrap(), &b"theirs"[..]);
}

#[tokio::test]
async fn a_value_in_anothers_place_is_corrupt_by_every_way_of_loading() {
    let (inner, keyset) = (MemoryStorage::new(), keyset());
    let storage = sealed(&inner, &keyset);
    storage.store(&key("d/a"), b"of a").await.unwrap();
    storage.store(&key("d/b"), b"of b").await.unwrap();
    inner.store(&key("d/b"), &inner.load(&key("d/a")).await.unwrap()).await.unwrap();
    let (a, b) = (key("d/a"), key("d/b"));
    let mut errors = vec![
        storage.load(&b).await.unwrap_err(),
        storage.load_versioned(&b).await.unwrap_err(),
        storage.load_bundle(&[&a, &b]).await.unwrap_err(),
        storage.stat_exact(&b).await.unwrap_err(),
    ];
    let many = storage.load_many(&[&a, &b]).await;
    assert_eq!(many[0].as_ref().unwrap(), &b"of a"[..]);
    errors.extend(many.into_iter().nth(1).unwrap().err());
    assert_eq!(errors.len(), 5);
    for error in errors {
        assert_eq!((error.kind(), error.subject()), (ErrorKind::Corrupt, Some("d/b")), "{error}");
        assert_eq!((error.operation(), error.backend()), (Some("load"), Some("memory")));
        assert!(!format!("{error:?}").contains("of a"));
    }
}

#[tokio::test]
async fn plaintext_is_corrupt_unless_it_is_accepted() {
    let (inner, keyset) = (MemoryStorage::new(), keyset());
    inner.store(&key("a"), b"plain").await.unwrap();
    let strict = sealed(&inner, &keyset);
    let error = strict.load(&key("a")).await.unwrap_err();
    assert_eq!((error.kind(), error.subject()), (ErrorKind::Corrupt, Some("a")));
    let options = SealOptions { accept_plaintext: true, ..SealOptions::default() };
    let lenient = SealedStorage::new(Arc::new(inner.clone()), keyset.clone(), options);
    assert_eq!(lenient.load(&key("a")).await.unwrap(), &b"plain"[..]);
    lenient.store(&key("b"), b"sealed").await.unwrap();
    assert_eq!(strict.load(&key("b")).await.unwrap(), &b"sealed"[..]);
    // What is damaged is not taken for plaintext.
    let mut damaged = inner.load(&key("b")).await.unwrap().to_vec();
    damaged[30] ^= 1;
    inner.store(&key("b"), &damaged).await.unwrap();
    assert_eq!(lenient.load(&key("b")).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_store_id_binds_values_to_their_store() {
    let (inner, keyset) = (MemoryStorage::new(), keyset());
    let of = |id: Option<&str>| {
        let store_id = id.map(|id| id.parse().unwrap());
        let options = SealOptions { store_id, ..SealOptions::default() };
        SealedStorage::new(Arc::new(inner.clone()), keyset.clone(), options)
    };
    let (one, other, none) = (of(Some("one")), of(Some("other")), of(None));
    one.store(&key("a"), b"of one").await.unwrap();
    none.store(&key("b"), b"of none").await.unwrap();
    assert_eq!(one.load(&key("a")).await.unwrap(), &b"of one"[..]);
    for (storage, at) in [(&other, "a"), (&none, "a"), (&one, "b"), (&other, "b")] {
        assert_eq!(storage.load(&key(at)).await.unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[tokio::test]
async fn sizes_are_of_the_plaintext_once_the_store_is_marked_and_unknown_before() {
    let (inner, mut keyset) = (MemoryStorage::new(), keyset());
    let before = sealed(&inner, &keyset);
    before.store(&key("d/a"), b"12345").await.unwrap();
    assert_eq!(before.stat(&key("d/a")).await.unwrap().size, None);
    assert_eq!(before.stat_exact(&key("d/a")).await.unwrap().size, Some(5));
    assert_eq!(before.stat_exact(&key("d")).await.unwrap().size, None);
    mark(&inner, &keyset).await;
    let open = |keyset: Keyset, options: SealOptions| {
        SealedStorage::open(Arc::new(inner.clone()), keyset, options)
    };
    let after = open(keyset.clone(), SealOptions::default()).await.unwrap();
    let trips = inner.round_trips();
    assert_eq!(after.stat(&key("d/a")).await.unwrap().size, Some(5));
    assert_eq!(after.stat_exact(&key("d/a")).await.unwrap().size, Some(5));
    assert_eq!(inner.round_trips(), trips + 2, "the value was loaded");
    let walked: Vec<_> = after.walk(&Dir::ROOT).try_collect().await.unwrap();
    assert_eq!(walked.iter().map(|info| info.size).collect::<Vec<_>>(), [None, Some(5)]);
    let accepting = SealOptions { accept_plaintext: true, ..SealOptions::default() };
    let lenient = open(keyset.clone(), accepting).await.unwrap();
    assert_eq!(lenient.stat(&key("d/a")).await.unwrap().size, None);
    keyset.add(Algorithm::Aes256Gcm, OutputPrefix::Raw).unwrap();
    let mixed = open(keyset, SealOptions::default()).await.unwrap();
    assert_eq!(mixed.stat(&key("d/a")).await.unwrap().size, None);
    // Shorter than any sealed value: no size, rather than a wrong one.
    inner.store(&key("d/short"), b"x").await.unwrap();
    assert_eq!(after.stat(&key("d/short")).await.unwrap().size, None);
}

#[tokio::test]
async fn the_marker_is_nobodys_key() {
    let (inner, keyset) = (MemoryStorage::new(), keyset());
    mark(&inner, &keyset).await;
    let storage = sealed(&inner, &keyset);
    storage.store(&key("a"), b"1").await.unwrap();
    assert_eq!(storage.list(&Dir::ROOT, false).await.unwrap(), [key("a")]);
    assert_eq!(storage.list(&Dir::ROOT, true).await.unwrap(), [key("a")]);
    let walked: Vec<_> = storage.walk(&Dir::ROOT).try_collect().await.unwrap();
    assert_eq!(walked.len(), 1);
    let version = inner.load_versioned(&MARKER).await.unwrap().version;
    let lock = storage.lock(&"job".parse().unwrap()).await.unwrap();
    for at in [MARKER.clone(), key(".Certstore-Sealed"), MARKER.join("below").unwrap()] {
        let absent = certstore_core::Condition::Absent;
        let dir = Dir::from(&at);
        let refused = [
            storage.store(&at, b"x").await.map(drop),
            storage.store_if(&at, b"x", &absent).await.map(drop),
            storage.store_fenced(&at, b"x", &lock).await.map(drop),
            storage.store_all(&[(&at, b"x")]).await,
            storage.load(&at).await.map(drop),
            storage.load_versioned(&at).await.map(drop),
            storage.load_many(&[&at]).await.remove(0).map(drop),
            storage.load_bundle(&[&at]).await.map(drop),
            storage.delete(&at).await,
            storage.delete_if(&at, &version).await,
            storage.delete_fenced(&at, &lock).await,
            storage.exists(&at).await.map(drop),
            storage.stat(&at).await.map(drop),
            storage.stat_exact(&at).await.map(drop),
            storage.list(&dir, false).await.map(drop),
            storage.walk(&dir).next().await.unwrap().map(drop),
            storage.watch(&dir).await.map(drop),
        ];
        for refused in refused {
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidKey);
        }
    }
    assert_eq!(inner.load_versioned(&MARKER).await.unwrap().version, version);
    lock.unlock().await.unwrap();
    storage.store(&key(".certstore-sealed2/a"), b"mine").await.unwrap();
}

#[tokio::test]
async fn changes_of_the_marker_are_not_shown() {
    let (inner, keyset) = (MemoryStorage::new(), keyset());
    let storage = sealed(&inner, &keyset);
    let mut changes = storage.watch(&Dir::ROOT).await.unwrap();
    mark(&inner, &keyset).await;
    storage.store(&key("a"), b"1").await.unwrap();
    assert_eq!(changes.next().await.unwrap().unwrap(), Change::Stored(key("a")));
    inner.delete(&MARKER).await.unwrap();
    assert!(changes.next().now_or_never().is_none());
}

#[tokio::test]
async fn a_marked_store_does_not_open_with_another_keyset() {
    let inner = MemoryStorage::new();
    mark(&inner, &keyset()).await;
    let opened =
        SealedStorage::open(Arc::new(inner.clone()), keyset(), SealOptions::default()).await;
    let error = opened.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!((error.operation(), error.subject()), (Some("open"), Some(MARKER.as_str())));
}

#[tokio::test]
async fn a_value_has_room_for_its_seal() {
    let mut config = MemoryConfig::default();
    config.max_value = Some(1_000);
    let inner = MemoryStorage::with_config(config).unwrap();
    let storage = sealed(&inner, &keyset());
    assert_eq!(storage.capabilities().max_value, Some(967));
    storage.store(&key("a"), &[1; 967]).await.unwrap();
    for refused in [
        storage.store(&key("a"), &[2; 968]).await.map(drop),
        storage.store_all(&[(&key("a"), &[2; 968]), (&key("b"), b"x")]).await,
    ] {
        let error = refused.unwrap_err();
        assert_eq!((error.kind(), error.subject()), (ErrorKind::TooLarge, Some("a")));
        assert!(error.message().contains("967"), "{error}");
    }
    assert_eq!(storage.load(&key("a")).await.unwrap(), &[1; 967][..]);
}

#[tokio::test]
async fn a_new_keyset_counts_in_every_clone_from_then_on() {
    let (inner, mut keyset) = (MemoryStorage::new(), keyset());
    let storage = sealed(&inner, &keyset);
    let clone = storage.clone();
    storage.store(&key("a"), b"1").await.unwrap();
    let id = keyset.rotate(Algorithm::Aes256Gcm, OutputPrefix::Tink).unwrap();
    storage.set_keyset(keyset);
    clone.store(&key("b"), b"2").await.unwrap();
    let stored: Bytes = inner.load(&key("b")).await.unwrap();
    assert_eq!(stored[1..5], id.to_be_bytes());
    assert_eq!(clone.load(&key("a")).await.unwrap(), &b"1"[..]);
}

#[tokio::test]
async fn declarations_are_those_of_the_storage_inside() {
    let inner = MemoryStorage::new();
    let storage = sealed(&inner, &keyset());
    let mut expected = inner.capabilities();
    expected.version = VersionKind::Counter;
    assert_eq!(storage.capabilities(), expected);
    assert_eq!(storage.backend(), "memory");
    let shown = format!("{storage:?}");
    assert!(shown.contains("memory") && shown.contains("ENABLED"), "{shown}");
}
