//! A server that goes down and comes back.

use std::time::Duration;

use certstore_core::{ErrorKind, Locker as _, Storage as _};

use crate::rig::{Rig, key, name, refused, soon};

#[tokio::test]
async fn the_storage_goes_on_without_being_opened_again() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let at = key("a");
    storage.store(&at, b"value").await.unwrap();
    rig.server.stop();
    let error = refused(soon(storage.load(&at)).await, ErrorKind::Unavailable);
    assert!(error.is_retryable(), "{error:?}");
    let error = refused(soon(storage.store(&at, b"other")).await, ErrorKind::Unavailable);
    assert!(error.to_string().contains("nothing listens"), "{error}");
    assert!(!error.may_have_applied(), "{error:?}");
    rig.server.resume().unwrap();
    assert_eq!(soon(storage.load(&at)).await.unwrap(), "value");
    storage.store(&at, b"other").await.unwrap();
}

#[tokio::test]
async fn a_lock_outlives_a_short_outage() {
    let rig = Rig::start();
    let storage = rig.probed().await;
    let held = storage.lock(&name("job")).await.unwrap();
    // The lease is 1.5 s: a renewal, every 0.5 s, meets the outage, and a later one gets through.
    rig.server.stop();
    tokio::time::sleep(Duration::from_millis(600)).await;
    rig.server.resume().unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    held.check().unwrap();
    held.unlock().await.unwrap();
}

#[tokio::test]
async fn a_lock_ends_with_a_long_outage_by_the_holders_own_clock() {
    let rig = Rig::start();
    let storage = rig.probed().await;
    let held = storage.lock(&name("job")).await.unwrap();
    rig.server.stop();
    soon(held.lost()).await;
    refused(held.check(), ErrorKind::LockLost);
    rig.server.resume().unwrap();
    drop(held);
    let again = soon(storage.lock(&name("job"))).await.unwrap();
    again.unlock().await.unwrap();
}
