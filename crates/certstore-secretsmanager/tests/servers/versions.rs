//! A hundred versions a day: what the service says, and what this client says before.

use std::time::Duration;

use certstore_conformance::loopback_secretsmanager::{Effect, Fault, MAX_VERSIONS, Op};
use certstore_core::{Condition, ErrorKind, Locker as _, Storage as _};

use crate::rig::{Rig, key, name, open, refused, soon};

#[tokio::test]
async fn the_services_own_limit_is_a_clear_error_and_ends_after_a_day() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let at = key("a");
    for number in 0..MAX_VERSIONS {
        storage.store(&at, number.to_string().as_bytes()).await.unwrap();
    }
    rig.server.clear_requests();
    let error = refused(soon(storage.store(&at, b"over")).await, ErrorKind::Other);
    assert!(error.to_string().contains("100 versions"), "{error}");
    assert!(!error.is_retryable() && !error.may_have_applied());
    assert_eq!(rig.server.requests().total(), 1, "it is not tried again");
    assert_eq!(storage.load(&at).await.unwrap(), "99");
    let version = storage.load_versioned(&at).await.unwrap().version;
    let condition = Condition::Version(version);
    refused(soon(storage.store_if(&at, b"over", &condition)).await, ErrorKind::Other);
    assert_eq!(storage.load(&at).await.unwrap(), "99");

    rig.server.advance(Duration::from_secs(24 * 60 * 60));
    storage.store(&at, b"a day later").await.unwrap();
    assert_eq!(storage.load(&at).await.unwrap(), "a day later");
    assert_eq!(rig.versions("p/a").await, MAX_VERSIONS);
}

#[tokio::test]
async fn this_client_refuses_before_the_service_does() {
    let rig = Rig::start();
    let mut config = rig.config();
    config.max_versions_per_day = 5;
    let storage = open(&config).await;
    for number in 0..5 {
        storage.store(&key("a"), &[number]).await.unwrap();
    }
    rig.server.clear_requests();
    let error = refused(storage.store(&key("a"), b"over").await, ErrorKind::Other);
    assert!(error.to_string().contains("max_versions_per_day"), "{error}");
    assert_eq!(rig.server.requests().total(), 0);
    // Other keys have their own count, and a delete is not counted against.
    storage.store(&key("b"), b"x").await.unwrap();
    storage.delete(&key("a")).await.unwrap();
}

#[tokio::test]
async fn a_lock_is_refused_before_the_limit_and_still_given_back() {
    let rig = Rig::start();
    let mut config = rig.config();
    // A lock and its release are two.
    config.max_versions_per_day = 5;
    let storage = open(&config).await;
    for _ in 0..2 {
        storage.lock(&name("job")).await.unwrap().unlock().await.unwrap();
    }
    let held = storage.lock(&name("job")).await.unwrap();
    held.unlock().await.expect("what is held can be given back");
    let error = refused(soon(storage.lock(&name("job"))).await, ErrorKind::Other);
    assert!(error.to_string().contains("[storage.lock]"), "{error}");
    refused(soon(storage.try_lock(&name("job"))).await, ErrorKind::Other);
    storage.lock(&name("another")).await.unwrap().unlock().await.unwrap();
    assert_eq!(rig.versions("p/locks/lease/job").await, 6);
}

#[tokio::test]
async fn what_makes_no_version_is_not_counted() {
    let rig = Rig::start();
    let mut config = rig.config();
    (config.max_versions_per_day, config.retries) = (3, 0);
    let storage = open(&config).await;
    let at = key("a");
    storage.store(&at, b"0").await.unwrap();
    for _ in 0..5 {
        refused(storage.store_if(&at, b"x", &Condition::Absent).await, ErrorKind::Conflict);
    }
    let fault = rig.fault(Fault::new(Effect::Throttle).on(Op::PutSecretValue).times(5));
    for _ in 0..5 {
        refused(storage.store(&at, b"x").await, ErrorKind::Unavailable);
    }
    assert_eq!(fault.fired(), 5);
    storage.store(&at, b"1").await.unwrap();
    storage.store(&at, b"2").await.unwrap();
    refused(storage.store(&at, b"3").await, ErrorKind::Other);
    // A secret that was deleted at once has taken its versions along.
    for _ in 0..5 {
        storage.delete(&at).await.unwrap();
        storage.store(&at, b"anew").await.unwrap();
    }
}

#[tokio::test]
async fn a_lock_that_is_held_is_renewed_beyond_the_limit() {
    let rig = Rig::start();
    let mut config = rig.config();
    (config.max_versions_per_day, config.lease) = (1, Duration::from_millis(600));
    let storage = open(&config).await;
    let held = storage.lock(&name("job")).await.unwrap();
    // The first record, and three renewals.
    soon(async {
        while rig.server.requests().of(Op::UpdateSecretVersionStage) < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    held.check().unwrap();
    held.unlock().await.unwrap();
    refused(soon(storage.lock(&name("job"))).await, ErrorKind::Other);
}

#[tokio::test]
async fn a_plain_lock_and_unlock_make_two_versions() {
    let rig = Rig::start();
    let storage = rig.open().await;
    for round in 1..4 {
        storage.lock(&name("job")).await.unwrap().unlock().await.unwrap();
        assert_eq!(rig.versions("p/locks/lease/job").await, 2 * round);
        assert_eq!(
            rig.labels("p/locks/lease/job").await,
            ["AWSCURRENT", "AWSPREVIOUS", "certstore-candidate"]
        );
    }
    assert!(rig.server.requests().of(Op::CreateSecret) == 1);
}
