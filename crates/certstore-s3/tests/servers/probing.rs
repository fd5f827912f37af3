//! Stores that keep their word, and stores that do not.

use std::time::Duration;

use certstore_conformance::loopback_s3::{Effect, Fault, Op};
use certstore_core::{Cas, Condition, ErrorKind, Fence, Locker as _, Storage as _};
use certstore_s3::{Probing, S3Storage};

use crate::rig::{Rig, key, name, open, refused};

#[tokio::test]
async fn a_good_store_is_found_good_once_and_left_clean() {
    let rig = Rig::start();
    let storage = rig.open().await;
    assert_eq!(storage.capabilities().cas, Cas::Full);
    let report = storage.probe().await.unwrap();
    assert!(report.can_lock() && report.quoted_etags, "{report:?}");
    assert_eq!((&report.create, &report.update, &report.delete), (&None, &None, &None));
    assert_eq!(rig.site.objects("").await, [""; 0]);
    rig.server.clear_requests();
    assert_eq!(storage.probe().await.unwrap(), report);
    storage.with_prefix("elsewhere").unwrap().probe().await.unwrap();
    assert_eq!(rig.server.requests().total(), 0);
}

#[tokio::test]
async fn a_store_that_ignores_conditions_is_not_locked() {
    let rig = Rig::start();
    rig.fault(Fault::new(Effect::IgnoreConditions).always());
    let storage = rig.open().await;
    let at = key("a/b");
    storage.store(&at, b"value").await.unwrap();
    assert_eq!(storage.load(&at).await.unwrap(), "value");
    let error = refused(storage.lock(&name("job")).await, ErrorKind::Unsupported);
    assert!(
        error.to_string().contains("If-None-Match") && error.to_string().contains("[storage.lock]"),
        "{error}"
    );
    refused(storage.try_lock(&name("job")).await, ErrorKind::Unsupported);
    refused(storage.store_if(&at, b"x", &Condition::Absent).await, ErrorKind::Unsupported);
    let version = storage.load_versioned(&at).await.unwrap().version;
    refused(storage.delete_if(&at, &version).await, ErrorKind::Unsupported);
    assert_eq!(storage.load(&at).await.unwrap(), "value");
    assert!(rig.site.objects("p/locks/").await.is_empty());

    let mut config = rig.config();
    config.stamped = true;
    config.probe = Probing::Open;
    let declared = open(&config).await.capabilities();
    assert_eq!((declared.cas, declared.fence), (Cas::None, Fence::None));
}

#[tokio::test]
async fn a_store_that_loses_races_is_not_locked() {
    let rig = Rig::start();
    rig.fault(Fault::new(Effect::RacyConditions(Duration::from_millis(20))).always());
    let storage = rig.open().await;
    let error = refused(storage.lock(&name("job")).await, ErrorKind::Unsupported);
    assert!(error.to_string().contains("at once"), "{error}");
}

#[tokio::test]
async fn a_store_that_ignores_conditions_of_updates_only_is_not_locked() {
    let rig = Rig::start();
    // The first two writes and the races of the probe's create-only part: 2 + 4 * 16.
    rig.fault(Fault::new(Effect::IgnoreConditions).on(Op::PutObject).skip(66).always());
    let storage = rig.open().await;
    let report = storage.probe().await.unwrap();
    assert!(report.create.is_none() && report.update.is_some(), "{report:?}");
    refused(storage.lock(&name("job")).await, ErrorKind::Unsupported);
    storage.store_if(&key("a"), b"x", &Condition::Absent).await.unwrap();
}

#[tokio::test]
async fn a_store_without_conditional_deletes_locks_and_declares_it() {
    let rig = Rig::start();
    rig.fault(Fault::new(Effect::IgnoreConditions).on(Op::DeleteObject).always());
    let mut config = rig.config();
    config.stamped = true;
    config.probe = Probing::Open;
    let storage = open(&config).await;
    let declared = storage.capabilities();
    assert_eq!((declared.cas, declared.fence), (Cas::CreateOnly, Fence::None));
    let at = key("a");
    let version = storage.store(&at, b"value").await.unwrap();
    refused(storage.delete_if(&at, &version).await, ErrorKind::Unsupported);
    let lock = storage.lock(&name("job")).await.unwrap();
    refused(storage.delete_fenced(&at, &lock).await, ErrorKind::Unsupported);
    lock.unlock().await.unwrap();
    assert_eq!(storage.load(&at).await.unwrap(), "value");
}

#[tokio::test]
async fn a_report_that_was_given_is_declared() {
    let rig = Rig::start();
    rig.fault(Fault::new(Effect::IgnoreConditions).always());
    let report = rig.open().await.probe().await.unwrap();
    let mut config = rig.config();
    config.stamped = true;
    let declared = S3Storage::open_probed(&config, &report).await.unwrap().capabilities();
    assert_eq!((declared.cas, declared.fence), (Cas::None, Fence::None));
}

#[tokio::test]
async fn a_probe_that_fails_is_not_remembered() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let fault = rig.fault(Fault::new(Effect::InternalError).on(Op::PutObject).always());
    refused(storage.lock(&name("job")).await, ErrorKind::Unavailable);
    fault.lift();
    storage.lock(&name("job")).await.unwrap().unlock().await.unwrap();
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_the_probe_to_its_end() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let gone = tokio::time::timeout(Duration::from_millis(1), storage.lock(&name("job"))).await;
    assert!(gone.is_err(), "the probe takes longer than a millisecond");
    assert!(storage.probe().await.unwrap().can_lock());
    assert!(rig.site.objects("p/locks/probe/").await.is_empty());
}
