//! While the backing storage does not answer.

use std::time::Duration;

use certstore_core::{ErrorKind, Storage as _};
use certstore_layers::caching::CopyOptions;

use crate::support::{Switched, cached, key, logs};

const LIMIT: Duration = Duration::from_secs(600);

fn copy() -> CopyOptions {
    CopyOptions::new().stale_limit(LIMIT).retry_interval(Duration::from_secs(1))
}

#[tokio::test]
async fn reads_go_on_for_the_stated_time_and_writes_fail_and_it_recovers() {
    let (lines, _guard) = logs();
    let backing = Switched::new();
    let (store, clock) = cached(&backing, copy()).await;
    let (at, other) = (key("a/crt"), key("a/never-read"));
    store.store(&at, b"certificate").await.unwrap();
    backing.memory.store(&other, b"x").await.unwrap();
    assert!(store.outage().is_none());

    backing.set_down(true);
    assert_eq!(&*store.load(&at).await.unwrap(), b"certificate");
    for _ in 0..10 {
        clock.advance(Duration::from_secs(20));
        assert_eq!(&*store.load(&at).await.unwrap(), b"certificate");
        assert_eq!(&*store.load_versioned(&at).await.unwrap().value, b"certificate");
        assert_eq!(&*store.load_many(&[&at]).await.remove(0).unwrap(), b"certificate");
        assert!(store.exists(&at).await.unwrap());
        assert_eq!(store.stat(&at).await.unwrap().size, Some(11));
    }
    assert_eq!(store.outage(), Some(Duration::from_secs(200)));
    let unknown = store.load(&other).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::Unavailable);
    for failed in [
        store.store(&at, b"new").await.map(drop).unwrap_err(),
        store.delete(&at).await.unwrap_err(),
        store.store_all(&[(&at, b"new")]).await.unwrap_err(),
    ] {
        assert_eq!(failed.kind(), ErrorKind::Unavailable);
        assert_eq!(failed.subject(), Some("a/crt"));
        assert!(failed.to_string().contains("switched off"), "{failed}");
    }
    assert_eq!(&*store.load(&at).await.unwrap(), b"certificate", "a write that failed is none");

    clock.advance(LIMIT);
    let late = store.load(&at).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Unavailable, "older than the limit");
    assert!(store.exists(&at).await.is_err() && store.stat(&at).await.is_err());

    backing.set_down(false);
    backing.memory.store(&at, b"renewed").await.unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!(&*store.load(&at).await.unwrap(), b"renewed");
    assert!(store.outage().is_none());

    let told = lines.lock().unwrap().clone();
    assert_eq!(told.len(), 2, "one line when it begins, one when it ends: {told:?}");
    assert!(told[0].starts_with("WARN") && told[0].contains("does not answer"), "{told:?}");
    assert!(told[0].contains("600s"), "the limit is told: {told:?}");
    assert!(told[1].starts_with("INFO") && told[1].contains("answers again"), "{told:?}");
}

#[tokio::test]
async fn during_an_outage_one_load_an_interval_asks() {
    let backing = Switched::new();
    let (store, clock) = cached(&backing, copy()).await;
    let at = key("a");
    store.store(&at, b"1").await.unwrap();
    backing.set_down(true);
    for _ in 0..100 {
        store.load(&at).await.unwrap();
    }
    assert_eq!(backing.asked(), (0, 1), "the one that found out");
    clock.advance(Duration::from_secs(1));
    for _ in 0..100 {
        store.load(&at).await.unwrap();
    }
    assert_eq!(backing.asked(), (0, 2));
}

#[tokio::test]
async fn without_a_stale_limit_an_outage_is_an_error() {
    let backing = Switched::new();
    let (store, _clock) = cached(&backing, copy().stale_limit(Duration::ZERO)).await;
    store.store(&key("a"), b"1").await.unwrap();
    backing.set_down(true);
    assert_eq!(store.load(&key("a")).await.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn only_an_outage_serves_what_may_be_old() {
    let backing = Switched::new();
    let (store, _clock) = cached(&backing, copy()).await;
    store.store(&key("a"), b"1").await.unwrap();
    backing.memory.delete(&key("a")).await.unwrap();
    assert_eq!(store.load(&key("a")).await.unwrap_err().kind(), ErrorKind::NotFound);
    backing.set_down(true);
    let gone = store.load(&key("a")).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::Unavailable, "what is known to be gone is not served");
}

#[tokio::test]
async fn a_bundle_is_served_whole_or_not_at_all() {
    let backing = Switched::new();
    let (store, clock) = cached(&backing, copy()).await;
    let (crt, private) = (key("a/a.crt"), key("a/a.key"));
    store.store_all(&[(&crt, b"crt 1"), (&private, b"key 1")]).await.unwrap();
    backing.set_down(true);
    let found = store.load_bundle(&[&private, &crt]).await.unwrap();
    assert_eq!((&*found[0], &*found[1]), (&b"key 1"[..], &b"crt 1"[..]));

    backing.set_down(false);
    backing.memory.store_all(&[(&crt, b"crt 2"), (&private, b"key 2")]).await.unwrap();
    clock.advance(Duration::from_secs(1));
    // One of the two is read again, and so the copies are of two sets.
    assert_eq!(&*store.load(&crt).await.unwrap(), b"crt 2");
    backing.set_down(true);
    let mixed = store.load_bundle(&[&private, &crt]).await.unwrap_err();
    assert_eq!(mixed.kind(), ErrorKind::Unavailable);

    backing.set_down(false);
    store.load_bundle(&[&private, &crt]).await.unwrap();
    backing.set_down(true);
    let found = store.load_bundle(&[&private, &crt]).await.unwrap();
    assert_eq!((&*found[0], &*found[1]), (&b"key 2"[..], &b"crt 2"[..]));
}
