//! Buckets that keep versions.

use certstore_core::{Cas, Condition, ErrorKind, Locker as _, Storage as _};
use certstore_oss::{LockMode, OssConfig, OssStorage};

use crate::rig::{Rig, key, name, open, refused, soon};

fn versioned(rig: &Rig) -> OssConfig {
    let mut config = rig.config();
    config.bucket = rig.server.versioned_bucket().into();
    config
}

#[tokio::test]
async fn locks_work_and_begin_anew_behind_a_delete_marker() {
    let rig = Rig::start();
    let (storage, other) = (open(&versioned(&rig)).await, open(&versioned(&rig)).await);
    let held = storage.lock(&name("job")).await.unwrap();
    assert!(other.try_lock(&name("job")).await.unwrap().is_none());
    let raw = rig.raw().in_bucket(rig.server.versioned_bucket());
    raw.delete("p/locks/log/job/0000000000");
    soon(held.lost()).await;
    refused(held.unlock().await, ErrorKind::LockLost);
    let again = soon(other.lock(&name("job"))).await.unwrap();
    assert!(storage.try_lock(&name("job")).await.unwrap().is_none());
    again.unlock().await.unwrap();
}

#[tokio::test]
async fn values_are_written_over_and_nothing_is_only_created() {
    let rig = Rig::start();
    let storage = open(&versioned(&rig)).await;
    assert_eq!(storage.capabilities().cas, Cas::None);
    let at = key("a");
    let stored = storage.store_if(&at, b"x", &Condition::Absent).await;
    refused(stored, ErrorKind::Unsupported);
    assert!(!storage.exists(&at).await.unwrap());
    storage.store(&at, b"1").await.unwrap();
    storage.store(&at, b"2").await.unwrap();
    assert_eq!(storage.load(&at).await.unwrap(), "2");
    storage.delete(&at).await.unwrap();
    assert!(!storage.exists(&at).await.unwrap());
}

#[tokio::test]
async fn a_bucket_that_begins_to_keep_versions_is_noticed() {
    let rig = Rig::start();
    let storage = rig.open().await;
    assert_eq!(storage.capabilities().cas, Cas::CreateOnly);
    let at = key("a");
    storage.store_if(&at, b"first", &Condition::Absent).await.unwrap();
    refused(storage.store_if(&at, b"x", &Condition::Absent).await, ErrorKind::Conflict);
    rig.server.keep_versions(&rig.site.bucket);
    let error =
        refused(storage.store_if(&at, b"x", &Condition::Absent).await, ErrorKind::Unsupported);
    assert!(error.to_string().contains("keeps versions"), "{error}");
    assert_eq!(storage.load(&at).await.unwrap(), "first");
}

#[tokio::test]
async fn the_locks_of_certmagic_oss_are_refused() {
    let rig = Rig::start();
    let mut config = versioned(&rig);
    config.lock_mode = LockMode::CertmagicOss;
    let error = refused(OssStorage::open(&config).await, ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("lock_mode"), "{error}");
    // And where that comes later, at the next lock.
    let mut config = rig.config();
    config.lock_mode = LockMode::CertmagicOss;
    let storage = open(&config).await;
    storage.lock(&name("job")).await.unwrap().unlock().await.unwrap();
    rig.server.keep_versions(&rig.site.bucket);
    let error = refused(storage.try_lock(&name("job")).await, ErrorKind::Unsupported);
    assert!(error.to_string().contains("keeps versions"), "{error}");
    assert!(!error.may_have_applied());
    assert_eq!(rig.objects("p/job.lock"), [""; 0], "what was written is taken back");
}
