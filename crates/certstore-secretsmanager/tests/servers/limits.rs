//! The longest value, the longest name, the longest bundle.

use certstore_conformance::loopback_secretsmanager::{MAX_VALUE, Op};
use certstore_core::{Condition, Dir, ErrorKind, Locker as _, Storage as _};

use crate::rig::{Rig, key, name, refused};

#[tokio::test]
async fn a_value_over_64_kib_is_refused_before_any_call() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let at = key("a");
    let most = vec![7; MAX_VALUE];
    storage.store(&at, &most).await.unwrap();
    assert_eq!(storage.load(&at).await.unwrap(), most);
    let lock = storage.lock(&name("job")).await.unwrap();
    let version = storage.load_versioned(&at).await.unwrap().version;
    rig.server.clear_requests();
    let over = vec![7; MAX_VALUE + 1];
    refused(storage.store(&at, &over).await, ErrorKind::TooLarge);
    let condition = Condition::Version(version);
    refused(storage.store_if(&at, &over, &condition).await, ErrorKind::TooLarge);
    refused(storage.store_fenced(&at, &over, &lock).await, ErrorKind::TooLarge);
    refused(storage.store_all(&[(&at, &over)]).await, ErrorKind::TooLarge);
    assert_eq!(rig.server.requests().of(Op::PutSecretValue), 0);
    assert_eq!(rig.server.requests().of(Op::CreateSecret), 0);
    assert_eq!(storage.load(&at).await.unwrap(), most);
    lock.unlock().await.unwrap();
}

#[tokio::test]
async fn a_bundle_over_the_limit_is_refused_before_anything_is_written() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let (one, other) = (key("site/a.crt"), key("site/a.key"));
    storage.store_all(&[(&one, b"old crt"), (&other, b"old key")]).await.unwrap();
    let half = vec![1; MAX_VALUE / 2];
    let error = storage.store_all(&[(&one, &half), (&other, &half)]).await;
    refused(error, ErrorKind::TooLarge);
    let bundle = storage.load_bundle(&[&one, &other]).await.unwrap();
    assert_eq!([&*bundle[0], &*bundle[1]], [&b"old crt"[..], b"old key"]);
    // Just within: the journal has names and lengths beside the values.
    let least = vec![1; MAX_VALUE / 2 - 200];
    storage.store_all(&[(&one, &least), (&other, &least)]).await.unwrap();
    assert_eq!(storage.load_bundle(&[&one, &other]).await.unwrap()[1], least);
}

#[tokio::test]
async fn a_name_over_512_bytes_names_the_limit() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let long = |length: usize| {
        let parts = vec!["k".repeat(99); length / 100];
        key(&format!("{}/{}", parts.join("/"), "k".repeat(length - length / 100 * 100)))
    };
    let fits = long(505);
    storage.store(&fits, b"fits").await.unwrap();
    assert_eq!(storage.load(&fits).await.unwrap(), "fits");
    let over = long(520);
    for error in [
        refused(storage.store(&over, b"x").await, ErrorKind::InvalidKey),
        refused(storage.load(&over).await, ErrorKind::InvalidKey),
        refused(storage.delete(&over).await, ErrorKind::InvalidKey),
    ] {
        assert!(error.to_string().contains("512"), "{error}");
    }
}

#[tokio::test]
async fn the_longest_names_can_be_looked_for_listed_and_deleted() {
    let rig = Rig::start();
    let storage = rig.open().await;
    for length in [495, 505, 510] {
        let parts = vec!["k".repeat(99); length / 100];
        let rest = "k".repeat(length - length / 100 * 100);
        let at = key(&format!("{}/{rest}", parts.join("/")));
        assert_eq!(at.as_str().len(), length);
        assert!(!storage.exists(&at).await.unwrap(), "{length}");
        refused(storage.list(&Dir::from(&at), true).await, ErrorKind::NotFound);
        storage.store(&at, b"x").await.unwrap();
        assert_eq!(storage.list(&Dir::from(&at), true).await.unwrap(), []);
        storage.delete(&at).await.unwrap();
        assert!(!storage.exists(&at).await.unwrap(), "{length}");
    }
}

#[tokio::test]
async fn an_empty_value_is_unlike_any_other() {
    let rig = Rig::start();
    let storage = rig.open().await;
    storage.store(&key("empty"), b"").await.unwrap();
    assert_eq!(storage.load(&key("empty")).await.unwrap(), "");
    let raw = rig.site.raw();
    let shown = raw.get_secret_value().secret_id("p/empty").send().await.unwrap();
    let marker = shown.secret_string().expect("the service keeps no empty value").to_owned();
    // The same words of another program, and of our own, are a value.
    raw.create_secret().name("p/foreign").secret_string(&marker).send().await.unwrap();
    storage.store(&key("own"), marker.as_bytes()).await.unwrap();
    for at in ["foreign", "own"] {
        assert_eq!(storage.load(&key(at)).await.unwrap(), marker, "{at}");
    }
    let (none, lock) = (key("fenced"), storage.lock(&name("job")).await.unwrap());
    storage.store_fenced(&none, b"", &lock).await.unwrap();
    assert_eq!(storage.load(&none).await.unwrap(), "");
    lock.unlock().await.unwrap();
}
