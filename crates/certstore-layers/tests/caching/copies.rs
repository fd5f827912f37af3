//! What the copy saves, and what it never does.

use std::sync::Arc;
use std::time::Duration;

use certstore_core::{
    Condition, Dir, ErrorKind, Locker as _, MemoryStorage, OsRandom, Storage, Version,
};
use certstore_fs::{FsConfig, FsStorage};
use certstore_layers::caching::{
    Cache as _, CacheErrorKind, CachingOptions, CachingStore, CopyOptions, Freshness,
};
use certstore_layers::seal::{Algorithm, Keyset, OutputPrefix, SealOptions, SealedStorage};
use tokio::sync::Semaphore;

use crate::clock::TestClock;
use crate::support::{Switched, cached, key};

#[tokio::test]
async fn a_value_that_is_still_the_same_is_not_transferred() {
    let backing = Switched::new();
    let (store, _clock) = cached(&backing, CopyOptions::new()).await;
    let at = key("a");
    backing.memory.store(&at, b"1").await.unwrap();
    for _ in 0..10 {
        assert_eq!(&*store.load(&at).await.unwrap(), b"1");
    }
    assert_eq!(backing.asked(), (1, 9), "one load of the value, then its version");
    backing.memory.store(&at, b"2").await.unwrap();
    assert_eq!(&*store.load(&at).await.unwrap(), b"2", "LOAD-1");
    assert_eq!(backing.asked(), (2, 10));
    // Written through: the copy has it without a load.
    store.store(&at, b"3").await.unwrap();
    assert_eq!(&*store.load(&at).await.unwrap(), b"3");
    assert_eq!(backing.asked(), (2, 11));
    assert_eq!(&*backing.memory.load(&at).await.unwrap(), b"3");
}

#[tokio::test]
async fn of_many_who_load_one_transfers_the_value() {
    let mut backing = Switched::over(MemoryStorage::new());
    backing.gate = Some(Semaphore::new(0));
    let backing = Arc::new(backing);
    let (store, _clock) = cached(&backing, CopyOptions::new()).await;
    backing.memory.store(&key("a"), b"1").await.unwrap();
    let load = || {
        let store = store.clone();
        tokio::spawn(async move { store.load(&key("a")).await })
    };
    let leader = load();
    while backing.asked().0 == 0 {
        tokio::task::yield_now().await;
    }
    let followers: Vec<_> = (0..100).map(|_| load()).collect();
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    assert_eq!(backing.asked(), (1, 0), "the others wait");
    backing.gate.as_ref().expect("made above").add_permits(1);
    for task in std::iter::once(leader).chain(followers) {
        assert_eq!(&*task.await.unwrap().unwrap(), b"1");
    }
    // Whoever came while the first was on its way is told of a later moment: one question for all of them.
    assert_eq!(backing.asked(), (1, 1));
}

#[tokio::test]
async fn when_the_one_who_loads_goes_another_takes_over() {
    let mut backing = Switched::over(MemoryStorage::new());
    backing.gate = Some(Semaphore::new(0));
    let backing = Arc::new(backing);
    let (store, _clock) = cached(&backing, CopyOptions::new()).await;
    backing.memory.store(&key("a"), b"1").await.unwrap();
    let load = || {
        let store = store.clone();
        tokio::spawn(async move { store.load(&key("a")).await })
    };
    let leader = load();
    while backing.asked().0 == 0 {
        tokio::task::yield_now().await;
    }
    let follower = load();
    tokio::task::yield_now().await;
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    backing.gate.as_ref().expect("made above").add_permits(1);
    assert_eq!(&*follower.await.unwrap().unwrap(), b"1");
    assert_eq!(backing.asked().0, 2);
}

#[tokio::test]
async fn an_age_is_allowed_on_request_and_versions_are_asked_for() {
    let mut backing = Switched::over(MemoryStorage::new());
    backing.silent = true;
    let backing = Arc::new(backing);
    let age = Duration::from_secs(60);
    let (store, clock) =
        cached(&backing, CopyOptions::new().freshness(Freshness::MaxAge(age))).await;
    assert_eq!(store.freshness(), Freshness::MaxAge(age));
    let at = key("a");
    store.store(&at, b"1").await.unwrap();
    for _ in 0..100 {
        assert_eq!(&*store.load(&at).await.unwrap(), b"1");
    }
    assert_eq!(backing.asked(), (0, 0));
    backing.memory.store(&at, b"2").await.unwrap();
    assert_eq!(&*store.load(&at).await.unwrap(), b"1", "nobody has told it");
    assert_eq!(&*store.load_versioned(&at).await.unwrap().value, b"2");
    assert_eq!(&*store.load(&at).await.unwrap(), b"2", "now it knows");
    backing.memory.store(&at, b"3").await.unwrap();
    clock.advance(age + Duration::from_secs(1));
    assert_eq!(&*store.load(&at).await.unwrap(), b"3", "too old");
    // Its own writes are seen at once, conditional ones, and deletes.
    let version = store.load_versioned(&at).await.unwrap().version;
    store.store_if(&at, b"4", &Condition::Version(version)).await.unwrap();
    assert_eq!(&*store.load(&at).await.unwrap(), b"4");
    let stale = store.store_if(&at, b"5", &Condition::Version(Version::new("old"))).await;
    assert_eq!(stale.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(&*store.load(&at).await.unwrap(), b"4");
    Storage::delete(&store, &at).await.unwrap();
    assert_eq!(store.load(&at).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn the_copy_is_bounded() {
    let backing = Switched::new();
    let (store, _clock) =
        cached(&backing, CopyOptions::new().max_entries(8).max_bytes(10_000)).await;
    for number in 0..200 {
        let at = key(&format!("dir/{number}"));
        backing.memory.store(&at, &[0; 2000]).await.unwrap();
        store.load(&at).await.unwrap();
        let (entries, bytes) = store.copied();
        assert!(entries <= 8 && bytes <= 10_000, "{entries} entries, {bytes} bytes");
    }
    assert_eq!(store.copied().0, 4, "2,000 bytes and a key each");
    Storage::delete(&store, &key("dir")).await.unwrap();
    assert_eq!(store.copied(), (0, 0));
}

#[tokio::test]
async fn a_sealed_copy_outlives_the_process_and_shows_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let files = || FsStorage::open(&FsConfig::new(folder.path())).unwrap();
    let keyset = Keyset::create(Algorithm::Aes256Gcm, OutputPrefix::Tink).unwrap();
    let sealed = || -> Arc<dyn Storage> {
        Arc::new(SealedStorage::new(Arc::new(files()), keyset.clone(), SealOptions::default()))
    };
    let (backing, clock) = (Switched::new(), TestClock::new());
    let at = key("certificates/ca/a.org/a.org.key");
    let open = async || {
        let options = CachingOptions::new()
            .copy(CopyOptions::new().storage(sealed()))
            .parts(clock.clone(), Arc::new(OsRandom));
        CachingStore::open(sealed(), backing.clone(), &options).await.unwrap()
    };
    let first = open().await;
    first.store(&at, b"very private key").await.unwrap();
    drop(first);
    backing.set_down(true);
    clock.advance(Duration::from_secs(3600));
    let second = open().await;
    assert_eq!(&*second.load(&at).await.unwrap(), b"very private key");
    let record = files().load(&key(&format!("copies/{at}"))).await.unwrap();
    assert!(!record.windows(12).any(|window| window == b"very private"));
    clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(open().await.load(&at).await.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_read_only_store_has_a_copy_and_changes_nothing() {
    let backing = Switched::new();
    let (at, private) = (key("a"), key("acme_account+key"));
    backing.memory.store(&at, b"1").await.unwrap();
    let local = Arc::new(MemoryStorage::new());
    local.store(&private, b"key").await.unwrap();
    let options = CachingOptions::new().readonly(true).copy(CopyOptions::new());
    let store = CachingStore::open(local.clone(), backing.clone(), &options).await.unwrap();
    assert!(store.is_readonly());
    let version = store.load_versioned(&at).await.unwrap().version;
    let lock = backing.memory.lock(&"job".parse().unwrap()).await.unwrap();
    for (call, error) in [
        ("store", store.store(&at, b"2").await.err()),
        ("store_if", store.store_if(&at, b"2", &Condition::Absent).await.err()),
        ("store_fenced", store.store_fenced(&at, b"2", &lock).await.err()),
        ("store_all", store.store_all(&[(&at, b"2")]).await.err()),
        ("delete", Storage::delete(&store, &at).await.err()),
        ("delete_if", store.delete_if(&at, &version).await.err()),
        ("delete_fenced", store.delete_fenced(&at, &lock).await.err()),
        ("lock", store.lock(&"other".parse().unwrap()).await.err()),
        ("try_lock", store.try_lock(&"other".parse().unwrap()).await.err()),
        ("break_lock", store.break_lock(lock.name(), lock.token()).await.err()),
    ] {
        let error = error.unwrap_or_else(|| panic!("{call} is not refused"));
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{call}");
        assert_eq!(CacheErrorKind::of(&error), Some(CacheErrorKind::ReadonlyCache), "{call}");
    }
    lock.check().unwrap();
    assert_eq!(&*store.load(&at).await.unwrap(), b"1");
    assert_eq!(&*store.get("acme_account+key").await.unwrap(), b"key");
    assert_eq!(backing.memory.list(&Dir::ROOT, true).await.unwrap(), [at]);
    assert_eq!(store.copied().0, 1);
}
