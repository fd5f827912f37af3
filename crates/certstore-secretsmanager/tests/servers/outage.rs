//! A server that is away for a while.

use std::time::{Duration, Instant};

use certstore_core::{ErrorKind, Locker as _, Storage as _};

use crate::rig::{Rig, key, name, open, refused, soon};

#[tokio::test]
async fn what_fails_in_an_outage_works_after_it() {
    let rig = Rig::start();
    let storage = rig.open().await;
    storage.store(&key("a"), b"1").await.unwrap();
    let lock = storage.lock(&name("job")).await.unwrap();
    rig.server.stop();
    let error = refused(soon(storage.load(&key("a"))).await, ErrorKind::Unavailable);
    assert!(error.to_string().contains("nothing listens") && !error.may_have_applied(), "{error}");
    let error = refused(soon(storage.store(&key("a"), b"2")).await, ErrorKind::Unavailable);
    assert!(!error.may_have_applied(), "{error:?}");
    refused(soon(storage.list(&certstore_core::Dir::ROOT, true)).await, ErrorKind::Unavailable);
    rig.server.resume().unwrap();
    assert_eq!(storage.load(&key("a")).await.unwrap(), "1");
    // A lock may or may not have outlived it; after it there is one again.
    drop(lock);
    soon(storage.lock(&name("job"))).await.unwrap().unlock().await.unwrap();
}

#[tokio::test]
async fn a_silent_server_is_not_waited_for_beyond_the_timeout() {
    use certstore_conformance::loopback_secretsmanager::{Effect, Fault};
    let rig = Rig::start();
    let mut config = rig.config();
    config.timeout = Duration::from_secs(1);
    let storage = open(&config).await;
    storage.store(&key("a"), b"1").await.unwrap();
    let silent = Fault::new(Effect::Delay(Duration::from_secs(60))).key("p/a").always();
    let fault = rig.fault(silent);
    let started = Instant::now();
    refused(soon(storage.load(&key("a"))).await, ErrorKind::Unavailable);
    let error = refused(soon(storage.store(&key("a"), b"2")).await, ErrorKind::Unavailable);
    assert!(error.may_have_applied(), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    fault.lift();
    assert_eq!(soon(storage.load(&key("a"))).await.unwrap(), "1");
}
