//! Refusals by rate: sent again within the limits, and told after.

use std::time::{Duration, Instant};

use certstore_conformance::loopback_secretsmanager::{Effect, Fault, Op};
use certstore_core::{Condition, Dir, ErrorKind, Locker as _, Storage as _};
use futures_util::future::join_all;

use crate::rig::{Rig, key, name, open, refused, soon};

#[tokio::test]
async fn every_call_survives_some_refusals() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let at = key("d/a");
    let version = storage.store(&at, b"1").await.unwrap();
    let throttle = |op| rig.fault(Fault::new(Effect::Throttle).on(op).times(2));
    let armed = [
        throttle(Op::PutSecretValue),
        throttle(Op::UpdateSecretVersionStage),
        throttle(Op::GetSecretValue),
        throttle(Op::DescribeSecret),
        throttle(Op::ListSecrets),
        throttle(Op::CreateSecret),
        throttle(Op::DeleteSecret),
    ];
    soon(storage.store_if(&at, b"2", &Condition::Version(version))).await.unwrap();
    assert_eq!(soon(storage.load(&at)).await.unwrap(), "2");
    assert!(soon(storage.exists(&at)).await.unwrap());
    assert_eq!(
        soon(storage.list(&Dir::new("d").unwrap(), true)).await.unwrap(),
        std::slice::from_ref(&at)
    );
    soon(storage.store(&key("new"), b"x")).await.unwrap();
    soon(storage.delete(&at)).await.unwrap();
    for (number, fault) in armed.iter().enumerate() {
        assert_eq!(fault.fired(), 2, "{number}");
    }
}

#[tokio::test]
async fn it_is_told_once_the_retries_are_over() {
    let rig = Rig::start();
    let mut config = rig.config();
    config.retries = 2;
    let storage = open(&config).await;
    let fault = rig.fault(Fault::new(Effect::Throttle).on(Op::PutSecretValue).always());
    let error = refused(soon(storage.store(&key("a"), b"x")).await, ErrorKind::Unavailable);
    assert!(error.to_string().contains("fewer requests"), "{error}");
    assert!(error.is_retryable() && !error.may_have_applied());
    assert_eq!(fault.fired(), 3);
    fault.lift();
    assert!(!storage.exists(&key("a")).await.unwrap());

    // However many there may be, the time is kept.
    config.retries = 100;
    config.timeout = Duration::from_millis(900);
    let storage = open(&config).await;
    rig.fault(Fault::new(Effect::Throttle).on(Op::GetSecretValue).always());
    let started = Instant::now();
    refused(soon(storage.load(&key("a"))).await, ErrorKind::Unavailable);
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[tokio::test]
async fn many_at_once_get_through_a_narrow_service() {
    let rig = Rig::start();
    let mut config = rig.config();
    (config.retries, config.timeout) = (100, Duration::from_secs(25));
    let storage = open(&config).await;
    rig.server.set_rate(Some(40));
    let keys: Vec<_> = (0..60).map(|number| key(&format!("many/{number}"))).collect();
    for stored in soon(join_all(keys.iter().map(|key| storage.store(key, b"x")))).await {
        stored.unwrap();
    }
    rig.server.set_rate(None);
    assert_eq!(storage.list(&Dir::new("many").unwrap(), false).await.unwrap().len(), 60);
}

#[tokio::test]
async fn a_burst_waits_instead_of_being_refused() {
    let rig = Rig::start();
    let mut config = rig.config();
    config.max_writes_per_second = 20;
    let storage = open(&config).await;
    rig.server.set_rate(Some(40));
    let keys: Vec<_> = (0..60).map(|number| key(&format!("many/{number}"))).collect();
    let started = Instant::now();
    for stored in soon(join_all(keys.iter().map(|key| storage.store(key, b"x")))).await {
        stored.unwrap();
    }
    // Each is a put that finds nothing and a create: two kinds, each with its own quota.
    let requests = rig.server.requests();
    assert_eq!((requests.of(Op::PutSecretValue), requests.of(Op::CreateSecret)), (60, 60));
    assert!(requests.iter().all(|request| request.status != 0));
    assert!(started.elapsed() > Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test]
async fn what_would_wait_for_too_long_is_told_before_it_is_sent() {
    let rig = Rig::start();
    let mut config = rig.config();
    (config.max_writes_per_second, config.timeout) = (5, Duration::from_millis(1_500));
    let storage = open(&config).await;
    let at = key("a");
    storage.store(&at, b"0").await.unwrap();
    rig.server.clear_requests();
    let stores = (0..40).map(|_| storage.store(&at, b"x"));
    let results = soon(join_all(stores)).await;
    let failed: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    // Within the time there are at most two windows of five.
    let sent = usize::try_from(rig.server.requests().of(Op::PutSecretValue)).unwrap();
    assert!(sent <= 10 && failed.len() == 40 - sent, "{sent} {}", failed.len());
    for error in &failed {
        assert!(error.is_retryable() && !error.may_have_applied());
        assert!(error.to_string().contains("max_writes_per_second"), "{error}");
    }
    // A lock does not wait behind them.
    let started = Instant::now();
    soon(storage.lock(&name("job"))).await.unwrap().unlock().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_lock_survives_refusals() {
    let rig = Rig::start();
    let storage = rig.open().await;
    storage.lock(&name("job")).await.unwrap().unlock().await.unwrap();
    rig.fault(Fault::new(Effect::Throttle).on(Op::UpdateSecretVersionStage));
    rig.fault(Fault::new(Effect::Throttle).on(Op::PutSecretValue));
    soon(storage.lock(&name("job"))).await.unwrap().unlock().await.unwrap();
}
