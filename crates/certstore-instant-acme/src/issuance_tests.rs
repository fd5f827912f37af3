use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use certstore_conformance::Gate;
use certstore_core::{ErrorKind, Locker as _, MemoryStorage, Storage};
use tokio::time::Instant;

use super::{Issuance, Origin};
use crate::test_data::{fresh_or_old, names, silent_ca, unreachable_ca};
use crate::writer::Writer;
use crate::{AccountStore, Ca, Error, KeyType, Names, PendingOrder, PrivateKey, StoredChallenges};

/// Over `storage`, at a CA that is not reached; counts how often that was tried.
fn issuance(storage: Arc<dyn Storage>) -> (Issuance, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    (issuance_at(unreachable_ca(&asked), storage), asked)
}

fn issuance_at(ca: Ca, storage: Arc<dyn Storage>) -> Issuance {
    let responder = Arc::new(StoredChallenges::new(storage.clone(), &ca));
    Issuance::new(Arc::new(AccountStore::new(storage, ca).unwrap()), responder)
}

/// Polls it once.
async fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(Pin::new(&mut *future).poll(context))).await
}

#[tokio::test]
async fn a_good_certificate_is_found_without_lock_and_ca() {
    let storage = Arc::new(MemoryStorage::new());
    let (issuance, asked) = issuance(storage.clone());
    let site = issuance.site(&names()).unwrap();
    let fresh = fresh_or_old(&names(), true);
    fresh.bundle().store(&*storage, &site.keys).await.unwrap();
    let held = storage.lock(site.keys.lock()).await.unwrap();
    let found = issuance.obtain(&names()).await.unwrap();
    assert_eq!((found.certificate, found.origin), (fresh, Origin::Stored));
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    held.unlock().await.unwrap();
}

#[tokio::test]
async fn what_is_due_or_for_other_names_is_ordered_anew() {
    let storage = Arc::new(MemoryStorage::new());
    let (issuance, asked) = issuance(storage.clone());
    let site = issuance.site(&names()).unwrap();
    let other = Names::new(["b.example"]).unwrap();
    for stored in [fresh_or_old(&names(), false), fresh_or_old(&other, true)] {
        stored.bundle().store(&*storage, &site.keys).await.unwrap();
        let before = asked.load(Ordering::SeqCst);
        assert!(matches!(issuance.obtain(&names()).await, Err(Error::Unanswered { .. })));
        assert_eq!(asked.load(Ordering::SeqCst), before + 1);
        assert_eq!(issuance.load(&names()).await.unwrap(), Some(stored));
    }
}

#[tokio::test]
async fn a_storage_that_is_away_leads_to_no_order() {
    let gate = Gate::new();
    gate.go_away();
    let (issuance, asked) = issuance(gate);
    let error = issuance.obtain(&names()).await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 0, "the CA was asked");
}

#[tokio::test]
async fn who_waits_finds_what_the_holder_has_stored_and_the_leftover_goes() {
    let storage = Arc::new(MemoryStorage::new());
    let (issuance, asked) = issuance(storage.clone());
    let site = issuance.site(&names()).unwrap();
    let held = storage.lock(site.keys.lock()).await.unwrap();
    let asked_for = names();
    let mut waiting = pin!(issuance.obtain(&asked_for));
    assert!(poll(&mut waiting).await.is_pending(), "it has looked, and waits for the lock");
    let key = PrivateKey::generate(KeyType::P256).unwrap();
    let order = PendingOrder::new(issuance.ca(), "https://ca.example/acct/1", &names(), &key);
    let writer = Writer { storage: &*storage, guard: &held, clock: issuance.clock() };
    order.store(&site.pending, &writer).await.unwrap();
    let fresh = fresh_or_old(&names(), true);
    fresh.bundle().store_under(&*storage, &site.keys, &held).await.unwrap();
    held.unlock().await.unwrap();
    let found = waiting.await.unwrap();
    assert_eq!((found.certificate, found.origin), (fresh, Origin::Stored));
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    assert!(
        PendingOrder::load(&*storage, issuance.ca().issuer(), &names()).await.unwrap().is_none()
    );
}

#[tokio::test]
async fn a_call_that_is_dropped_while_it_waits_leaves_no_lock() {
    let storage = Arc::new(MemoryStorage::new());
    let (issuance, _) = issuance(storage.clone());
    let site = issuance.site(&names()).unwrap();
    let held = storage.lock(site.keys.lock()).await.unwrap();
    let asked_for = names();
    let mut waiting = Box::pin(issuance.obtain(&asked_for));
    assert!(poll(&mut waiting).await.is_pending(), "it waits for the lock");
    drop(waiting);
    held.unlock().await.unwrap();
    storage.lock(site.keys.lock()).await.unwrap().unlock().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_ca_that_does_not_answer_holds_the_lock_no_longer_than_the_limit() {
    let (gate, limit) = (Gate::new(), Duration::from_secs(20));
    let (ca, _) = silent_ca();
    let issuance = issuance_at(ca, gate.clone());
    let site = issuance.site(&names()).unwrap();
    // One request has half a minute.
    let start = Instant::now();
    let error = issuance.obtain(&names()).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { step: "register an account" }), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 30);
    let start = Instant::now();
    let error = issuance.with_limit(limit).obtain(&names()).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { step: "issue" }), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), limit.as_secs());
    gate.memory.lock(site.keys.lock()).await.unwrap().unlock().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_lost_ends_the_work() {
    let gate = Gate::new();
    let (ca, asked) = silent_ca();
    let issuance = issuance_at(ca, gate.clone());
    let site = issuance.site(&names()).unwrap();
    let working = tokio::spawn(async move { issuance.obtain(&names()).await });
    asked.notified().await;
    let held = gate.memory.locks().await.unwrap();
    let held = held.iter().find(|held| held.name == site.keys.lock().as_str()).unwrap();
    gate.memory.break_lock(site.keys.lock(), held.token.unwrap()).await.unwrap();
    let error = working.await.unwrap().unwrap_err();
    assert!(matches!(&error, Error::Storage(error) if error.kind() == ErrorKind::LockLost));
    assert!(error.is_retryable());
}

#[tokio::test]
async fn no_key_is_shown() {
    let storage = Arc::new(MemoryStorage::new());
    let (issuance, _) = issuance(storage.clone());
    assert!(issuance.obtain(&names()).await.is_err());
    let key = storage.load(&"acme/ca.example-dir/users/default/default.key".parse().unwrap()).await;
    let pem = String::from_utf8(key.unwrap().to_vec()).unwrap();
    let shown = format!("{issuance:?}");
    assert!(!pem.lines().any(|line| shown.contains(line)), "{shown}");
}
