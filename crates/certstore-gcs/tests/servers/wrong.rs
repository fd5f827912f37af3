//! Wrong configurations: told when the storage is opened, in one line, without secrets.

use certstore_core::{ErrorKind, Locker as _, Secret, Storage as _};
use certstore_gcs::{GcsConfig, GcsStorage};

use crate::rig::{Rig, key, name, open, refused, soon};
use crate::site::all_of;

async fn fails(rig: &Rig, kind: ErrorKind, words: &str, change: impl FnOnce(&mut GcsConfig)) {
    let mut config = rig.config();
    change(&mut config);
    let error = refused(soon(GcsStorage::open(&config)).await, kind);
    assert!(error.to_string().contains(words), "{error}");
    assert_eq!((error.operation(), error.backend()), (Some("open the bucket"), Some("gcs")));
    if let Some(secret) = &config.access_token {
        assert!(!all_of(&error).contains(secret.expose()), "{error:?}");
    }
}

#[tokio::test]
async fn opening_tells_what_is_wrong() {
    use ErrorKind::{InvalidConfig, PermissionDenied, Unavailable};
    let rig = Rig::start();
    fails(&rig, PermissionDenied, "does not take these credentials", |config| {
        config.access_token = Some(Secret::new("ya29.another-token"));
    })
    .await;
    fails(&rig, PermissionDenied, "does not take these credentials", |config| {
        config.access_token = None;
        config.anonymous = true;
    })
    .await;
    fails(&rig, InvalidConfig, "no such bucket", |config| config.bucket = "missing".into()).await;
    fails(&rig, Unavailable, "nothing listens", |config| {
        config.endpoint = Some("http://127.0.0.1:1".into());
    })
    .await;
    fails(&rig, InvalidConfig, "100 ms", |config| config.lease = std::time::Duration::ZERO).await;
    fails(&rig, InvalidConfig, "credentials_file", |config| {
        config.access_token = None;
        config.credentials_file = Some("/does/not/exist.json".into());
    })
    .await;
    fails(&rig, InvalidConfig, "only one of", |config| config.anonymous = true).await;
}

#[tokio::test]
async fn who_may_only_read_reads() {
    let rig = Rig::start();
    rig.open().await.store(&key("a"), b"value").await.unwrap();
    let mut config = rig.config();
    config.access_token = Some(Secret::new(rig.server.read_only_token()));
    let storage = open(&config).await;
    assert_eq!(storage.load(&key("a")).await.unwrap(), "value");
    assert_eq!(storage.stat(&key("a")).await.unwrap().size, Some(5));
    let error = refused(storage.store(&key("a"), b"other").await, ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("Storage Object User"), "{error}");
    assert!(!error.may_have_applied(), "{error:?}");
    refused(storage.delete(&key("a")).await, ErrorKind::PermissionDenied);
    refused(storage.lock(&name("job")).await, ErrorKind::PermissionDenied);
    assert_eq!(storage.load(&key("a")).await.unwrap(), "value");
}

#[tokio::test]
async fn who_may_nothing_is_told_with_each_call() {
    let rig = Rig::start();
    let mut config = rig.config();
    config.access_token = Some(Secret::new(rig.server.powerless_token()));
    // Who may not list may still be allowed objects, so opening goes on.
    let storage = open(&config).await;
    refused(storage.load(&key("a")).await, ErrorKind::PermissionDenied);
    refused(storage.exists(&key("a")).await, ErrorKind::PermissionDenied);
    refused(storage.store(&key("a"), b"x").await, ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn a_bucket_that_goes_away_is_told_as_such() {
    let rig = Rig::start();
    rig.server.add_bucket("short-lived");
    let mut config = rig.config();
    config.bucket = "short-lived".into();
    open(&config).await.store(&key("a"), b"x").await.unwrap();
    config.bucket = "never-there".into();
    let error = refused(GcsStorage::open(&config).await, ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("never-there"), "{error}");
}

#[tokio::test]
async fn what_does_not_fit_is_refused_before_anything_is_sent() {
    let rig = Rig::start();
    let storage = open(&rig.site.config("")).await;
    rig.server.clear_requests();
    let challenge = key(".well-known/acme-challenge/token");
    let error = refused(storage.store(&challenge, b"x").await, ErrorKind::InvalidKey);
    assert!(error.to_string().contains("set a prefix"), "{error}");
    let limit = usize::try_from(storage.capabilities().max_value.unwrap()).unwrap();
    let long = vec![0; limit + 1];
    refused(storage.store(&key("a"), &long).await, ErrorKind::TooLarge);
    assert_eq!(rig.server.requests().total(), 0);
    storage.store(&key("a"), &long[..limit]).await.unwrap();
    assert_eq!(storage.load(&key("a")).await.unwrap().len(), limit);
    assert_eq!(rig.server.requests().total(), 2, "one request each, whatever the size");
}

#[tokio::test]
async fn what_is_too_long_to_be_a_value_is_not_read() {
    let rig = Rig::start();
    rig.put("p/a", &vec![7; (16 << 20) + 1]).await;
    let storage = rig.open().await;
    let error = refused(soon(storage.load(&key("a"))).await, ErrorKind::TooLarge);
    assert!(error.to_string().contains("16777217"), "{error}");
}
