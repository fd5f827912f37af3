//! Stores that keep their word, and stores that do not.

use std::time::Duration;

use certstore_conformance::loopback_oss::{Effect, Fault, Op};
use certstore_core::{ErrorKind, Locker as _, Secret, Storage as _};

use crate::rig::{Rig, key, name, open, refused, soon};

#[tokio::test]
async fn a_store_that_appends_anywhere_is_not_locked() {
    let rig = Rig::start();
    let ignored = rig.fault(Fault::new(Effect::IgnorePosition).always());
    let storage = rig.open().await;
    storage.store(&key("a"), b"value").await.unwrap();
    assert_eq!(storage.load(&key("a")).await.unwrap(), "value");
    for _ in 0..2 {
        let error = refused(storage.lock(&name("job")).await, ErrorKind::Unsupported);
        let text = error.to_string();
        assert!(text.contains("AppendObject") && text.contains("[storage.lock]"), "{error}");
    }
    refused(storage.try_lock(&name("job")).await, ErrorKind::Unsupported);
    assert!(ignored.fired() > 0);
    assert_eq!(rig.objects("p/locks/"), [""; 0], "nothing is left");
    // What was found stays found, also for another prefix of the same client.
    ignored.lift();
    let elsewhere = storage.with_prefix("elsewhere").unwrap();
    refused(elsewhere.lock(&name("job")).await, ErrorKind::Unsupported);
}

#[tokio::test]
async fn only_later_positions_ignored_are_found_too() {
    let rig = Rig::start();
    rig.fault(Fault::new(Effect::IgnorePosition).on(Op::AppendObject).skip(2).always());
    let error = refused(rig.open().await.lock(&name("job")).await, ErrorKind::Unsupported);
    assert!(error.to_string().contains("at any position"), "{error}");
}

#[tokio::test]
async fn passing_trouble_is_no_finding() {
    for effect in [Effect::LoseRequest, Effect::ServiceUnavailable, Effect::QpsLimitExceeded] {
        let rig = Rig::start();
        let storage = rig.open().await;
        let fault = rig.fault(Fault::new(effect).key("*/locks/probe/*").on(Op::AppendObject));
        let error = refused(soon(storage.try_lock(&name("job"))).await, ErrorKind::Unavailable);
        assert!(error.is_retryable(), "{error:?}");
        assert_eq!(fault.fired(), 1, "{effect:?}");
        soon(storage.lock(&name("job"))).await.unwrap().unlock().await.unwrap();
    }
}

#[tokio::test]
async fn a_probe_whose_caller_went_away_leaves_nothing() {
    let rig = Rig::start();
    let storage = rig.open().await;
    rig.fault(Fault::new(Effect::DelayReply(Duration::from_millis(50))).key("*/probe/*").always());
    let lock = tokio::time::timeout(Duration::from_millis(120), storage.lock(&name("job"))).await;
    assert!(lock.is_err(), "it takes longer");
    soon(async {
        loop {
            let requests = rig.server.requests();
            if requests.of(Op::DeleteObject) > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert_eq!(rig.objects("p/locks/probe/"), [""; 0]);
}

#[tokio::test]
async fn who_may_not_write_is_told_so() {
    let rig = Rig::start();
    let (mut config, reader) = (rig.config(), rig.server.read_only());
    config.access_key_id = Some(Secret::new(reader.access_key));
    config.access_key_secret = Some(Secret::new(reader.secret_key));
    refused(open(&config).await.lock(&name("job")).await, ErrorKind::PermissionDenied);
}
