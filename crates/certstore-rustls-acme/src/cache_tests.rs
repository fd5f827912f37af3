use std::time::Duration;

use certstore_conformance::Gate;
use certstore_core::{Dir, ErrorKind, Key, LockName, Locker as _, MAX_KEY, Storage as _};
use rcgen::{CertificateParams, KeyPair};
use rustls_acme::{AccountCache as _, CertCache as _};

use super::CertstoreCache;
use crate::names::{account_key, cert_key};

const CA: &str = "https://ca.example/dir";

fn domains() -> [String; 1] {
    ["a.example".to_owned()]
}

fn key() -> Key {
    cert_key(&Dir::new("rustls-acme").unwrap(), &domains(), CA).unwrap()
}

fn lock_name() -> LockName {
    LockName::new(key().as_str()).unwrap()
}

/// A certificate that is good for thousands of years, or was for a year.
fn bundle(good: bool) -> Vec<u8> {
    let pair = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(domains()).unwrap();
    if !good {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    }
    let certificate = params.self_signed(&pair).unwrap();
    format!("{}\n{}", pair.serialize_pem(), certificate.pem()).into_bytes()
}

async fn is_locked(gate: &Gate) -> bool {
    !gate.memory.locks().await.unwrap().is_empty()
}

/// Waits until nobody holds the lock: what was dropped is released in the background.
async fn released(gate: &Gate) {
    gate.memory.lock(&lock_name()).await.unwrap().unlock().await.unwrap();
}

#[tokio::test]
async fn a_second_process_waits_for_what_the_first_orders_and_finds_it() {
    let gate = Gate::new();
    let (first, second) = (CertstoreCache::new(gate.clone()), CertstoreCache::new(gate.clone()));
    assert_eq!(first.load_cert(&domains(), CA).await.unwrap(), None);
    let waiting = tokio::spawn(async move { second.load_cert(&domains(), CA).await });
    let ordered = bundle(true);
    first.store_cert(&domains(), CA, &ordered).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), Some(ordered));
    released(&gate).await;
}

#[tokio::test]
async fn a_good_certificate_takes_no_lock_and_one_that_is_not_does() {
    let gate = Gate::new();
    let cache = CertstoreCache::new(gate.clone());
    let good = bundle(true);
    gate.memory.store(&key(), &good).await.unwrap();
    assert_eq!(cache.load_cert(&domains(), CA).await.unwrap(), Some(good));
    assert!(!is_locked(&gate).await);
    let expired = bundle(false);
    gate.memory.store(&key(), &expired).await.unwrap();
    assert_eq!(cache.load_cert(&domains(), CA).await.unwrap(), Some(expired));
    assert!(is_locked(&gate).await);
    drop(cache);
    released(&gate).await;
    gate.memory.store(&key(), b"no certificate").await.unwrap();
    let cache = CertstoreCache::new(gate.clone());
    assert_eq!(cache.load_cert(&domains(), CA).await.unwrap(), None);
    assert!(is_locked(&gate).await);
}

#[tokio::test(start_paused = true)]
async fn a_load_waits_for_a_storage_that_is_away() {
    let gate = Gate::new();
    let good = bundle(true);
    gate.memory.store(&key(), &good).await.unwrap();
    gate.go_away();
    let cache = CertstoreCache::new(gate.clone());
    let loading = tokio::spawn(async move { cache.load_cert(&domains(), CA).await });
    gate.refused(5).await;
    assert!(!loading.is_finished());
    gate.come_back();
    assert_eq!(loading.await.unwrap().unwrap(), Some(good));
}

#[tokio::test(start_paused = true)]
async fn a_store_waits_for_a_storage_that_is_away() {
    let gate = Gate::new();
    let cache = CertstoreCache::new(gate.clone());
    assert_eq!(cache.load_cert(&domains(), CA).await.unwrap(), None);
    gate.go_away();
    let ordered = bundle(true);
    let copy = ordered.clone();
    let storing = tokio::spawn(async move { cache.store_cert(&domains(), CA, &copy).await });
    gate.refused(3).await;
    gate.come_back();
    storing.await.unwrap().unwrap();
    assert_eq!(gate.memory.load(&key()).await.unwrap(), ordered);
    released(&gate).await;
}

#[tokio::test(start_paused = true)]
async fn an_order_that_does_not_end_gives_the_lock_back_after_the_limit() {
    let gate = Gate::new();
    let limit = Duration::from_secs(60);
    let stuck = CertstoreCache::new(gate.clone()).with_hold_limit(limit);
    assert_eq!(stuck.load_cert(&domains(), CA).await.unwrap(), None);
    let start = tokio::time::Instant::now();
    let other = CertstoreCache::new(gate.clone());
    assert_eq!(other.load_cert(&domains(), CA).await.unwrap(), None);
    assert!(start.elapsed() >= limit);
    // What the other one stores stays, when the first comes to its end after all.
    let ordered = bundle(true);
    other.store_cert(&domains(), CA, &ordered).await.unwrap();
    stuck.store_cert(&domains(), CA, &bundle(true)).await.unwrap();
    assert_eq!(gate.memory.load(&key()).await.unwrap(), ordered);
}

#[tokio::test]
async fn a_lock_that_was_broken_keeps_the_other_holders_certificate() {
    let gate = Gate::new();
    let cache = CertstoreCache::new(gate.clone());
    assert_eq!(cache.load_cert(&domains(), CA).await.unwrap(), None);
    let token = gate.memory.locks().await.unwrap()[0].token.unwrap();
    gate.memory.break_lock(&lock_name(), token).await.unwrap();
    let other = gate.memory.lock(&lock_name()).await.unwrap();
    let theirs = bundle(true);
    gate.memory.store_fenced(&key(), &theirs, &other).await.unwrap();
    other.unlock().await.unwrap();
    cache.store_cert(&domains(), CA, &bundle(true)).await.unwrap();
    assert_eq!(gate.memory.load(&key()).await.unwrap(), theirs);
}

#[tokio::test]
async fn a_cache_or_a_load_that_is_dropped_leaves_no_lock() {
    let gate = Gate::new();
    let cache = CertstoreCache::new(gate.clone());
    assert_eq!(cache.load_cert(&domains(), CA).await.unwrap(), None);
    let other = CertstoreCache::new(gate.clone());
    let waiting = tokio::spawn(async move { other.load_cert(&domains(), CA).await });
    tokio::task::yield_now().await;
    waiting.abort();
    drop(cache);
    released(&gate).await;
    assert!(gate.memory.try_lock(&lock_name()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_renewal_over_a_certificate_that_is_over_is_stored() {
    let gate = Gate::new();
    gate.memory.store(&key(), &bundle(false)).await.unwrap();
    let renewed = bundle(true);
    CertstoreCache::new(gate.clone()).store_cert(&domains(), CA, &renewed).await.unwrap();
    assert_eq!(gate.memory.load(&key()).await.unwrap(), renewed);
}

#[tokio::test]
async fn an_account_is_made_once_and_never_replaced() {
    let gate = Gate::new();
    let contact = ["mailto:a@a.example".to_owned()];
    let (first, second) = (CertstoreCache::new(gate.clone()), CertstoreCache::new(gate.clone()));
    assert_eq!(first.load_account(&contact, CA).await.unwrap(), None);
    let (words, late) = (contact.clone(), contact.clone());
    let waiting = tokio::spawn(async move { second.load_account(&words, CA).await });
    first.store_account(&contact, CA, b"key").await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), Some(b"key".to_vec()));
    first.store_account(&late, CA, b"another").await.unwrap();
    let key = account_key(&Dir::new("rustls-acme").unwrap(), &contact, CA).unwrap();
    assert_eq!(gate.memory.load(&key).await.unwrap().as_ref(), b"key");
}

#[tokio::test]
async fn a_directory_that_leaves_no_room_for_a_key_is_refused_at_once() {
    let long = "a/".repeat(MAX_KEY / 2 - 10) + "a";
    let refused = CertstoreCache::new(Gate::new()).with_dir(Dir::new(&long).unwrap());
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidKey);
    assert!(CertstoreCache::new(Gate::new()).with_dir(Dir::ROOT).is_ok());
}
