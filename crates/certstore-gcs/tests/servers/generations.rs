//! Generations as versions: they never return, whatever happens to the object.

use std::time::Duration;

use certstore_core::{Condition, ErrorKind, Locker as _, Storage as _, Version};
use serde_json::json;

use crate::raw;
use crate::rig::{Rig, key, name, open, refused};

#[tokio::test]
async fn a_stale_generation_is_refused() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let at = key("a");
    let first = storage.store(&at, b"1").await.unwrap();
    let second = storage.store(&at, b"2").await.unwrap();
    assert_ne!(first, second);
    let stale = Condition::Version(first.clone());
    let error = refused(storage.store_if(&at, b"late", &stale).await, ErrorKind::Conflict);
    assert!(!error.may_have_applied(), "{error:?}");
    refused(storage.delete_if(&at, &first).await, ErrorKind::Conflict);
    assert_eq!(storage.load(&at).await.unwrap(), "2");
    let third = storage.store_if(&at, b"3", &Condition::Version(second)).await.unwrap();
    storage.delete_if(&at, &third).await.unwrap();
    refused(storage.load(&at).await, ErrorKind::NotFound);
}

#[tokio::test]
async fn no_generation_returns_over_equal_bytes_or_a_delete() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let at = key("a");
    let mut seen = vec![storage.store(&at, b"same").await.unwrap()];
    for round in 0..4 {
        if round % 2 == 0 {
            storage.delete(&at).await.unwrap();
        }
        seen.push(storage.store(&at, b"same").await.unwrap());
    }
    let (last, old) = seen.split_last().unwrap();
    for version in old {
        assert_ne!(version, last);
        let condition = Condition::Version(version.clone());
        refused(storage.store_if(&at, b"late", &condition).await, ErrorKind::Conflict);
        refused(storage.delete_if(&at, version).await, ErrorKind::Conflict);
    }
    assert_eq!(storage.stat(&at).await.unwrap().version.as_ref(), Some(last));
}

#[tokio::test]
async fn what_is_no_generation_is_a_conflict_and_never_means_absent() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let at = key("a");
    for text in ["0", "-1", "", "abc", "9999999999999999999999"] {
        let version = Version::new(text);
        let condition = Condition::Version(version.clone());
        refused(storage.store_if(&at, b"x", &condition).await, ErrorKind::Conflict);
        refused(storage.delete_if(&at, &version).await, ErrorKind::Conflict);
    }
    assert!(!storage.exists(&at).await.unwrap());
}

#[tokio::test]
async fn a_version_is_the_generation_that_others_see() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let version = storage.store(&key("a"), b"value").await.unwrap();
    let (generation, body) = raw::get(&rig.site, "p/a").await;
    assert_eq!(
        (generation.to_string().as_str(), body.as_slice()),
        (version.as_str(), &b"value"[..])
    );
    // Metadata that others write change no version.
    raw::patch(&rig.site, "p/a", &json!({ "metadata": { "owner": "ops" } })).await;
    assert_eq!(storage.load_versioned(&key("a")).await.unwrap().version, version);
    storage.store_if(&key("a"), b"next", &Condition::Version(version)).await.unwrap();
}

#[tokio::test]
async fn an_older_holder_is_refused_over_equal_bytes() {
    let rig = Rig::start();
    // With a long lease the first holder does not look at its lock meanwhile: only the fence can stop it.
    let mut config = rig.config();
    config.lease = Duration::from_secs(600);
    let (old, new) = (open(&config).await, open(&config).await);
    let at = key("a");
    let first = old.lock(&name("job")).await.unwrap();
    old.store_fenced(&at, b"bytes", &first).await.unwrap();
    // The first holder is paused; the lock is broken and another one writes the very same bytes.
    new.break_lock(&name("job"), first.token()).await.unwrap();
    let second = new.lock(&name("job")).await.unwrap();
    new.store_fenced(&at, b"bytes", &second).await.unwrap();
    first.check().unwrap();
    refused(old.store_fenced(&at, b"bytes", &first).await, ErrorKind::Fenced);
    refused(old.delete_fenced(&at, &first).await, ErrorKind::Fenced);
    drop(first);
    assert_eq!(new.load(&at).await.unwrap(), "bytes");
    second.unlock().await.unwrap();
}

#[tokio::test]
async fn the_stamp_is_in_the_metadata_and_a_plain_store_clears_it() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let lock = storage.lock(&name("job")).await.unwrap();
    storage.store_fenced(&key("a"), b"value", &lock).await.unwrap();
    assert_eq!(rig.body("p/a").await, b"value");
    let resource = raw::resource(&rig.site, "p/a").await;
    let stamp = resource["metadata"]["certstore-fence"].as_str().unwrap();
    assert!(stamp.starts_with(&format!("{} ", lock.token().0)), "{stamp}");
    storage.store(&key("a"), b"value").await.unwrap();
    assert!(raw::resource(&rig.site, "p/a").await.get("metadata").is_none());
    // A stamp that nobody can read stops fenced writes, until a plain one clears it.
    let damaged = json!({ "metadata": { "certstore-fence": "damaged" } });
    raw::patch(&rig.site, "p/a", &damaged).await;
    refused(storage.store_fenced(&key("a"), b"x", &lock).await, ErrorKind::Corrupt);
    storage.store(&key("a"), b"plain").await.unwrap();
    storage.store_fenced(&key("a"), b"fenced", &lock).await.unwrap();
    lock.unlock().await.unwrap();
}
