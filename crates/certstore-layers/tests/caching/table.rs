//! The documentation of certcache, row by row.

use std::sync::Arc;
use std::time::Duration;

use certstore_core::{Dir, Error, ErrorKind, Locker as _, MemoryStorage, OsRandom, Storage};
use certstore_fs::{FsConfig, FsStorage};
use certstore_layers::caching::{
    Cache, CacheErrorKind, CachingOptions, CachingStore, CopyOptions, has_readonly_option,
    is_local_name, new_local_store,
};

use crate::clock::TestClock;
use crate::support::{Switched, key};

const ACCOUNT: &[u8] = include_bytes!("../fixtures/account_sec1.pem");

/// Names that the documentation routes to each side.
const LOCAL: [&str; 5] =
    ["a.org+token", "a.org+rsa", "x3Jk+http-01", "acme_account+key", "acme_account.key"];
const SHARED: [&str; 2] = ["a.org", "www.a.org"];

struct Parts {
    store: CachingStore,
    local: Arc<Switched>,
    backing: Arc<Switched>,
}

async fn parts(options: CachingOptions) -> Parts {
    let (local, backing) = (Switched::new(), Switched::new());
    let store = CachingStore::open(local.clone(), backing.clone(), &options).await.expect("opens");
    Parts { store, local, backing }
}

async fn kind_of_get(store: &CachingStore, name: &str) -> CacheErrorKind {
    store.get(name).await.expect_err("no value").kind()
}

#[tokio::test]
async fn get_put_and_delete_follow_the_same_route() {
    for options in [CachingOptions::new(), CachingOptions::new().copy(CopyOptions::new())] {
        let Parts { store, local, backing } = parts(options).await;
        for name in LOCAL.into_iter().chain(SHARED) {
            store.put(name, name.as_bytes()).await.unwrap();
            assert_eq!(&*store.get(name).await.unwrap(), name.as_bytes());
            let at = key(name);
            let found =
                (local.memory.load(&at).await.is_ok(), backing.memory.load(&at).await.is_ok());
            assert_eq!(found, (is_local_name(name), !is_local_name(name)), "{name}");
        }
        for name in LOCAL.into_iter().chain(SHARED) {
            Cache::delete(&store, name).await.unwrap();
            assert_eq!(kind_of_get(&store, name).await, CacheErrorKind::CacheMiss);
            Cache::delete(&store, name).await.expect("what is not there is deleted");
        }
        for side in [&local.memory, &backing.memory] {
            assert!(side.list(&Dir::ROOT, true).await.unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn a_saved_account_key_is_shared_and_deleted_where_it_lies() {
    let options = CachingOptions::new().save_account_key("fleet-account");
    let Parts { store, local, backing } = parts(options).await;
    store.put("acme_account+key", ACCOUNT).await.unwrap();
    assert_eq!(&*backing.memory.load(&key("fleet-account")).await.unwrap(), ACCOUNT);
    assert!(local.memory.list(&Dir::ROOT, true).await.unwrap().is_empty());
    assert_eq!(&*store.get("acme_account.key").await.unwrap(), ACCOUNT, "either spelling");
    store.get_account_key().await.unwrap();
    Cache::delete(&store, "acme_account+key").await.unwrap();
    assert!(backing.memory.list(&Dir::ROOT, true).await.unwrap().is_empty());
    // Other local names stay local.
    store.put("a.org+token", b"token").await.unwrap();
    assert!(local.memory.exists(&key("a.org+token")).await.unwrap());
}

#[tokio::test]
async fn an_empty_name_saves_no_account_key_and_a_wrong_one_is_told() {
    let Parts { store, local, .. } = parts(CachingOptions::new().save_account_key("")).await;
    store.put("acme_account+key", ACCOUNT).await.unwrap();
    assert!(local.memory.exists(&key("acme_account+key")).await.unwrap());
    let (local, backing) = (Switched::new(), Switched::new());
    let options = CachingOptions::new().save_account_key("../account");
    let wrong = CachingStore::open(local, backing, &options).await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::InvalidConfig);
}

#[tokio::test]
async fn rsa_certificates_are_shared_on_request() {
    let Parts { store, backing, .. } = parts(CachingOptions::new().share_rsa(true)).await;
    store.put("a.org+rsa", b"certificate").await.unwrap();
    assert!(backing.memory.exists(&key("a.org+rsa")).await.unwrap());
}

#[tokio::test]
async fn the_account_key_is_found_under_either_name() {
    for name in ["acme_account+key", "acme_account.key"] {
        let Parts { store, .. } = parts(CachingOptions::new()).await;
        let missing = store.get_account_key().await.unwrap_err();
        assert_eq!(missing.kind(), CacheErrorKind::CacheMiss);
        store.put(name, ACCOUNT).await.unwrap();
        let found = store.get_account_key().await.unwrap();
        assert_eq!(found.signer().algorithm(), rustls::SignatureAlgorithm::ECDSA);
        store.put(name, b"no key").await.unwrap();
        let damaged = store.get_account_key().await.unwrap_err();
        assert_eq!(damaged.kind(), CacheErrorKind::LocalOperation);
        assert_eq!(damaged.storage_error().map(Error::kind), Some(ErrorKind::Corrupt));
    }
}

#[tokio::test]
async fn a_read_only_store_refuses_put_and_delete_and_gives() {
    let options = CachingOptions::new().readonly(true);
    assert!(has_readonly_option(&options));
    assert!(!has_readonly_option(&CachingOptions::new()));
    assert!(!has_readonly_option(&options.clone().readonly(false)));
    let Parts { store, local, backing } = parts(options).await;
    for (side, name) in [(&local, "a.org+token"), (&backing, "a.org")] {
        side.memory.store(&key(name), b"1").await.unwrap();
        assert_eq!(&*store.get(name).await.unwrap(), b"1");
        let refused = store.put(name, b"2").await.unwrap_err();
        assert_eq!(refused.kind(), CacheErrorKind::ReadonlyCache);
        let refused = Cache::delete(&store, name).await.unwrap_err();
        assert_eq!(refused.kind(), CacheErrorKind::ReadonlyCache);
        assert_eq!(&*side.memory.load(&key(name)).await.unwrap(), b"1");
    }
    let refused = store.lock_name("a.org").await.unwrap_err();
    assert_eq!(refused.kind(), CacheErrorKind::ReadonlyCache);
}

#[tokio::test]
async fn errors_say_which_side_failed() {
    let Parts { store, local, backing } = parts(CachingOptions::new()).await;
    for (side, name, kind) in [
        (&local, "a.org+token", CacheErrorKind::LocalOperation),
        (&backing, "a.org", CacheErrorKind::BackingOperation),
    ] {
        assert_eq!(kind_of_get(&store, name).await, CacheErrorKind::CacheMiss);
        side.set_down(true);
        for error in [
            store.get(name).await.unwrap_err(),
            store.put(name, b"1").await.unwrap_err(),
            Cache::delete(&store, name).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), kind);
            assert!(error.is_retryable());
            assert_eq!(CacheErrorKind::of(&Error::from(error)), Some(kind));
        }
        side.set_down(false);
    }
    assert_eq!(kind_of_get(&store, "../a").await, CacheErrorKind::BackingOperation);
    assert_eq!(kind_of_get(&store, "../a+token").await, CacheErrorKind::LocalOperation);
}

#[tokio::test]
async fn a_lock_that_cannot_be_had_is_told_as_such() {
    let (local, backing, clock) = (Switched::new(), Switched::new(), TestClock::new());
    let options = CachingOptions::new()
        .lock_wait(Duration::from_secs(30))
        .parts(clock.clone(), Arc::new(OsRandom));
    let store = CachingStore::open(local, backing.clone(), &options).await.unwrap();
    let held = store.lock_name("a.org").await.unwrap();
    let other = store.clone();
    let waiting = tokio::spawn(async move { other.lock_name("a.org").await });
    clock.sleepers(1).await;
    clock.advance(Duration::from_secs(30));
    let late = waiting.await.unwrap().unwrap_err();
    assert_eq!(late.kind(), CacheErrorKind::LockFailed);
    assert!(late.is_retryable());
    held.unlock().await.unwrap();
    // The one that gave up left nothing behind.
    backing.memory.lock(&"a.org".parse().unwrap()).await.unwrap().unlock().await.unwrap();
    backing.set_down(true);
    let failed = store.lock_name("a.org").await.unwrap_err();
    assert_eq!(failed.kind(), CacheErrorKind::LockFailed);
    let no_name = store.lock_name("").await.unwrap_err();
    assert_eq!(no_name.kind(), CacheErrorKind::LockFailed);
}

#[tokio::test]
async fn a_local_store_alone_keeps_every_name_in_its_directory() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let files = FsStorage::open(&FsConfig::new(folder.path().join("certs"))).unwrap();
        new_local_store(Arc::new(files))
    };
    let store = open();
    for name in LOCAL.into_iter().chain(SHARED) {
        let missing = store.get(name).await.unwrap_err();
        assert_eq!(missing.kind(), CacheErrorKind::CacheMiss);
        store.put(name, name.as_bytes()).await.unwrap();
        assert_eq!(std::fs::read(folder.path().join("certs").join(name)).unwrap(), name.as_bytes());
        assert_eq!(&*open().get(name).await.unwrap(), name.as_bytes());
        Cache::delete(&store, name).await.unwrap();
        Cache::delete(&store, name).await.unwrap();
        assert_eq!(store.get(name).await.unwrap_err().kind(), CacheErrorKind::CacheMiss);
    }
    for outside in ["../outside", "/etc/passwd", ""] {
        let refused = store.put(outside, b"x").await.unwrap_err();
        assert_eq!(refused.kind(), CacheErrorKind::LocalOperation, "{outside}");
        assert_eq!(refused.storage_error().map(Error::kind), Some(ErrorKind::InvalidKey));
    }
}

#[tokio::test]
async fn a_local_directory_before_a_shared_storage() {
    let folder = tempfile::tempdir().unwrap();
    let shared = MemoryStorage::new();
    let node = async |name: &str| {
        let files = FsStorage::open(&FsConfig::new(folder.path().join(name))).unwrap();
        let options = CachingOptions::new().copy(CopyOptions::new());
        let backing = Arc::new(shared.handle());
        CachingStore::open(Arc::new(files), backing, &options).await.unwrap()
    };
    let (one, two) = (node("one").await, node("two").await);
    one.put("a.org", b"certificate").await.unwrap();
    one.put("acme_account+key", ACCOUNT).await.unwrap();
    assert_eq!(&*two.get("a.org").await.unwrap(), b"certificate");
    assert_eq!(kind_of_get(&two, "acme_account+key").await, CacheErrorKind::CacheMiss);
    assert!(folder.path().join("one/acme_account+key").exists());
    let dynamic: Arc<dyn Storage> = Arc::new(two);
    assert_eq!(&*dynamic.load(&key("a.org")).await.unwrap(), b"certificate");
}
