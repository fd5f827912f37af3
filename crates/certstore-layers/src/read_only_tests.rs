use std::sync::Arc;

use certstore_core::{
    Cas, Change, Condition, Dir, ErrorKind, Fence, FencingToken, Key, Locker as _, MemoryStorage,
    Storage as _,
};
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::ReadOnlyStorage;

fn key(text: &str) -> Key {
    Key::new(text).expect("a key")
}

#[tokio::test]
async fn every_write_and_lock_is_refused_before_any_request() {
    let inside = MemoryStorage::new();
    let at = key("a");
    let version = inside.store(&at, b"1").await.unwrap();
    let storage = ReadOnlyStorage::new(Arc::new(inside.handle()));
    let name = "job".parse().unwrap();
    let guard = inside.lock(&name).await.unwrap();
    let asked = inside.round_trips();
    let denied = [
        storage.store(&at, b"2").await.map(drop).unwrap_err(),
        storage.store_all(&[(&at, b"2")]).await.unwrap_err(),
        storage.delete(&at).await.unwrap_err(),
        storage.lock(&name).await.map(drop).unwrap_err(),
        storage.try_lock(&name).await.map(drop).unwrap_err(),
        storage.break_lock(&name, FencingToken(1)).await.unwrap_err(),
    ];
    let unsupported = [
        storage.store_if(&at, b"2", &Condition::Absent).await.map(drop).unwrap_err(),
        storage.store_fenced(&at, b"2", &guard).await.map(drop).unwrap_err(),
        storage.delete_if(&at, &version).await.unwrap_err(),
        storage.delete_fenced(&at, &guard).await.unwrap_err(),
    ];
    assert_eq!(inside.round_trips(), asked);
    for (errors, kind) in
        [(&denied[..], ErrorKind::PermissionDenied), (&unsupported, ErrorKind::Unsupported)]
    {
        for error in errors {
            assert_eq!((error.kind(), error.backend()), (kind, Some("memory")), "{error}");
            assert!(error.subject().is_some() && error.operation().is_some(), "{error:?}");
            assert!(
                error.to_string().contains("read_only") && !error.may_have_applied(),
                "{error}"
            );
            assert!(!error.is_retryable());
        }
    }
    let declared = storage.capabilities();
    assert_eq!((declared.cas, declared.fence), (Cas::None, Fence::None));
    guard.unlock().await.unwrap();
}

#[tokio::test]
async fn everything_is_read_as_it_is() {
    let inside = MemoryStorage::new();
    let (crt, private, dir) = (key("a/crt"), key("a/key"), Dir::from(key("a")));
    inside.store_all(&[(&crt, b"crt"), (&private, b"key")]).await.unwrap();
    let storage = ReadOnlyStorage::new(Arc::new(inside.handle()));
    let mut changes = storage.watch(&Dir::ROOT).await.unwrap();
    assert_eq!(&*storage.load(&crt).await.unwrap(), b"crt");
    assert_eq!(
        storage.load_versioned(&crt).await.unwrap(),
        inside.load_versioned(&crt).await.unwrap()
    );
    assert_eq!(&*storage.load_many(&[&private, &crt]).await.remove(0).unwrap(), b"key");
    assert_eq!(&*storage.load_bundle(&[&crt, &private]).await.unwrap()[1], b"key");
    assert!(storage.exists(&key("a")).await.unwrap() && !storage.exists(&key("b")).await.unwrap());
    assert_eq!(storage.stat(&crt).await.unwrap(), inside.stat(&crt).await.unwrap());
    assert_eq!(storage.list(&dir, true).await.unwrap(), inside.list(&dir, true).await.unwrap());
    let walked: Vec<_> = storage.walk(&dir).try_collect().await.unwrap();
    assert_eq!(walked, inside.walk(&dir).try_collect::<Vec<_>>().await.unwrap());
    assert!(storage.foreign(&Dir::ROOT).await.unwrap().is_empty());
    let held = inside.lock(&"job".parse().unwrap()).await.unwrap();
    assert_eq!(storage.locks().await.unwrap()[0].token, Some(held.token()));
    held.unlock().await.unwrap();
    inside.store(&crt, b"2").await.unwrap();
    assert_eq!(changes.next().await.unwrap().unwrap(), Change::Stored(crt));
}
