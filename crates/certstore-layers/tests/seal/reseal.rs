//! Rewriting a store beside those who use it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use certstore_core::{Cas, Dir, ErrorKind, Key, Locker, MemoryStorage, Storage};
use certstore_layers::seal::{
    Keyset, ResealOptions, ResealProgress, SealOptions, SealedStorage, reseal, seal_in_place,
    unseal,
};
use futures_util::FutureExt;

use super::support::{key, key_of, keyset, rotated, sealed};
use super::wrapped::Wrapped;

fn quiet(_: ResealProgress) {}

async fn fill(storage: &dyn Storage, count: usize) {
    for at in 0..count {
        storage
            .store(&key(&format!("d{}/k{at}", at % 7)), value(at).as_bytes())
            .await
            .expect("the test can go on");
    }
}

fn value(at: usize) -> String {
    format!("value {at}")
}

async fn check(storage: &dyn Storage, count: usize) {
    for at in 0..count {
        let loaded =
            storage.load(&key(&format!("d{}/k{at}", at % 7))).await.expect("the test can go on");
        assert_eq!(loaded, value(at).as_bytes());
    }
}

#[tokio::test]
async fn all_values_come_under_the_new_key_and_the_old_one_can_go() {
    let (inner, keyset) = (MemoryStorage::new(), keyset());
    let storage = sealed(Arc::new(inner.clone()), &keyset);
    fill(&storage, 200).await;
    let (mut keyset, old) = rotated(&keyset);
    storage.set_keyset(keyset.clone());
    fill(&storage, 50).await;
    let last = std::sync::Mutex::new(ResealProgress::default());
    let report = reseal(&storage, &ResealOptions::default(), |now| *last.lock().unwrap() = now)
        .await
        .unwrap();
    assert_eq!((report.rewritten, report.unchanged), (150, 50));
    assert_eq!((report.damaged, report.vanished, report.marked), (0, 0, true));
    let bytes: usize = (50..200).map(|at| value(at).len()).sum();
    assert_eq!(report.bytes, bytes as u64);
    let last = *last.lock().unwrap();
    assert_eq!((last.done, last.rewritten, last.damaged), (200, 150, 0));
    keyset.destroy(old).unwrap();
    let options = SealOptions::default();
    let storage = SealedStorage::open(Arc::new(inner), keyset, options).await.unwrap();
    check(&storage, 200).await;
    let size = storage.stat(&key("d0/k0")).await.unwrap().size;
    assert_eq!(size, Some(value(0).len() as u64), "the store is marked");
}

#[tokio::test]
async fn a_second_time_writes_nothing() {
    let (wrapped, keyset) = (Wrapped::new(Cas::Full), keyset());
    let storage = sealed(wrapped.clone(), &keyset);
    fill(&storage, 40).await;
    storage.set_keyset(rotated(&keyset).0);
    reseal(&storage, &ResealOptions::default(), quiet).await.unwrap();
    let writes = wrapped.writes.load(Ordering::Relaxed);
    let again = reseal(&storage, &ResealOptions::default(), quiet).await.unwrap();
    assert_eq!((again.rewritten, again.unchanged, again.marked), (0, 40, true));
    assert_eq!(wrapped.writes.load(Ordering::Relaxed), writes);
}

#[tokio::test]
async fn one_that_was_dropped_is_taken_up_where_it_was() {
    let (wrapped, keyset) = (Wrapped::new(Cas::Full), keyset());
    let storage = sealed(wrapped.clone(), &keyset);
    fill(&storage, 100).await;
    storage.set_keyset(rotated(&keyset).0);
    let (options, done) = (ResealOptions::default(), Arc::new(AtomicU64::new(0)));
    let mut first = Box::pin(reseal(&storage, &options, |now| {
        done.store(now.rewritten, Ordering::Relaxed);
    }));
    while done.load(Ordering::Relaxed) < 30 {
        assert!((&mut first).now_or_never().is_none(), "it was done before it was dropped");
        // The runtime gets its turn, and wakes what waits within.
        tokio::task::yield_now().await;
    }
    drop(first);
    check(&storage, 100).await;
    let before = wrapped.writes.load(Ordering::Relaxed);
    let second = reseal(&storage, &options, quiet).await.unwrap();
    assert!(second.unchanged >= 30 && second.rewritten + second.unchanged == 100, "{second:?}");
    // The mark is one more.
    assert_eq!(wrapped.writes.load(Ordering::Relaxed), before + second.rewritten + 1);
    check(&storage, 100).await;
}

#[tokio::test]
async fn a_value_that_comes_between_stays() {
    let (wrapped, keyset) = (Wrapped::new(Cas::Full), keyset());
    let storage = sealed(wrapped.clone(), &keyset);
    storage.store(&key("a"), b"old").await.unwrap();
    let new = rotated(&keyset).0;
    storage.set_keyset(new.clone());
    wrapped.meanwhile(move |inner, key| {
        // A writer that still has the old primary: its value is rewritten in turn.
        let newer = keyset.seal(b"newer", key.as_str().as_bytes()).unwrap();
        inner.store(key, &newer).now_or_never().unwrap().unwrap();
    });
    let report = reseal(&storage, &ResealOptions::default(), quiet).await.unwrap();
    assert_eq!((report.rewritten, report.unchanged), (1, 0));
    assert_eq!(storage.load(&key("a")).await.unwrap(), &b"newer"[..]);
    let stored = wrapped.inner.load(&key("a")).await.unwrap();
    assert_eq!(key_of(&stored), new.primary_id());
}

#[tokio::test]
async fn a_value_that_is_deleted_meanwhile_does_not_come_back() {
    let (wrapped, keyset) = (Wrapped::new(Cas::Full), keyset());
    let storage = sealed(wrapped.clone(), &keyset);
    storage.store(&key("a"), b"old").await.unwrap();
    storage.set_keyset(rotated(&keyset).0);
    wrapped.meanwhile(|inner, key| inner.delete(key).now_or_never().unwrap().unwrap());
    let report = reseal(&storage, &ResealOptions::default(), quiet).await.unwrap();
    assert_eq!((report.vanished, report.rewritten), (1, 0));
    assert!(!storage.exists(&key("a")).await.unwrap());
}

/// Each key has one writer, which counts up: what it reads after a write is what it wrote, always.
async fn count_up(storage: SealedStorage, at: Key, running: Arc<AtomicBool>) -> u64 {
    let mut count = 0_u64;
    while running.load(Ordering::Acquire) || count < 50 {
        count += 1;
        storage.store(&at, &count.to_be_bytes()).await.expect("the test can go on");
        tokio::task::yield_now().await;
        let loaded = storage.load(&at).await.expect("the test can go on");
        assert_eq!(loaded, &count.to_be_bytes()[..], "{at}: a write was lost");
    }
    count
}

/// The writers still seal with the old key, so there is always something to rewrite beneath them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn live_writers_lose_nothing() {
    let wrapped = Wrapped::new(Cas::Full);
    let (new, old) = rotated(&keyset());
    let mut still_old = new.clone();
    still_old.set_primary(old).unwrap();
    let (writing, resealing) = (sealed(wrapped.clone(), &still_old), sealed(wrapped.clone(), &new));
    fill(&writing, 100).await;
    let running = Arc::new(AtomicBool::new(true));
    let writers: Vec<_> = (0..8)
        .map(|at| {
            let at = key(&format!("live/k{at}"));
            (at.clone(), tokio::spawn(count_up(writing.clone(), at, running.clone())))
        })
        .collect();
    let mut rewritten = 0;
    for _ in 0..200 {
        match reseal(&resealing, &ResealOptions::default(), quiet).await {
            Ok(report) => {
                assert_eq!((report.damaged, report.vanished), (0, 0));
                rewritten += report.rewritten;
            }
            // Writers came between every time: the answer to that, and nothing is lost.
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}"),
        }
    }
    running.store(false, Ordering::Release);
    for (at, writer) in writers {
        let count = writer.await.unwrap();
        assert_eq!(resealing.load(&at).await.unwrap(), &count.to_be_bytes()[..]);
    }
    assert!(rewritten > 200, "{rewritten} were rewritten: the writers were left alone");
    reseal(&resealing, &ResealOptions::default(), quiet).await.unwrap();
    check(&resealing, 100).await;
    for at in wrapped.inner.list(&Dir::ROOT, true).await.unwrap() {
        if let Ok(stored) = wrapped.inner.load(&at).await {
            assert_eq!(key_of(&stored), new.primary_id(), "{at}");
        }
    }
}

#[tokio::test]
async fn without_conditions_it_is_done_offline_and_alone() {
    for cas in [Cas::None, Cas::CreateOnly] {
        let (wrapped, keyset) = (Wrapped::new(cas), keyset());
        let storage = sealed(wrapped.clone(), &keyset);
        fill(&storage, 20).await;
        storage.set_keyset(rotated(&keyset).0);
        let writes = wrapped.writes.load(Ordering::Relaxed);
        let mut options = ResealOptions::default();
        let refused = reseal(&storage, &options, quiet).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
        assert!(refused.message().contains("stop all writers"), "{refused}");
        options.offline = true;
        let lock = wrapped.inner.lock(&"certstore_reseal".parse().unwrap()).await.unwrap();
        let busy = reseal(&storage, &options, quiet).await.unwrap_err();
        assert_eq!(busy.kind(), ErrorKind::Conflict);
        assert_eq!(wrapped.writes.load(Ordering::Relaxed), writes, "a refused call wrote");
        lock.unlock().await.unwrap();
        // One who writes all the same is seen before the write.
        let other = storage.clone();
        wrapped.meanwhile(move |_, key| {
            other.store(key, b"live").now_or_never().unwrap().unwrap();
        });
        let report = reseal(&storage, &options, quiet).await.unwrap();
        assert_eq!((report.rewritten, report.unchanged, report.marked), (19, 1, true));
        let free = wrapped.inner.try_lock(&"certstore_reseal".parse().unwrap()).await.unwrap();
        assert!(free.is_some(), "the maintenance lock is still held");
        let (mut live, mut others) = (0, 0);
        for at in 0..20 {
            let loaded = storage.load(&key(&format!("d{}/k{at}", at % 7))).await.unwrap();
            if loaded == b"live"[..] {
                live += 1;
            } else {
                assert_eq!(loaded, value(at).as_bytes());
                others += 1;
            }
        }
        assert_eq!((live, others), (1, 19));
    }
}

fn accepting(inner: &MemoryStorage, keyset: &Keyset) -> SealedStorage {
    let mut options = SealOptions::default();
    options.accept_plaintext = true;
    SealedStorage::new(Arc::new(inner.clone()), keyset.clone(), options)
}

#[tokio::test]
async fn a_store_in_plaintext_is_sealed_in_place_and_back() {
    let (inner, keyset) = (MemoryStorage::new(), keyset());
    fill(&inner, 60).await;
    let live = accepting(&inner, &keyset);
    check(&live, 60).await;
    fill(&live, 10).await;
    check(&live, 60).await;
    let refused = reseal(&live, &ResealOptions::default(), quiet).await.unwrap();
    assert_eq!((refused.damaged, refused.unchanged, refused.marked), (50, 10, false));
    assert_eq!(refused.damaged_keys.len(), 50);
    let report = seal_in_place(&live, &ResealOptions::default(), quiet).await.unwrap();
    assert_eq!((report.rewritten, report.unchanged, report.marked), (50, 10, true));
    check(&live, 60).await;
    let open =
        || SealedStorage::open(Arc::new(inner.clone()), keyset.clone(), SealOptions::default());
    let strict = open().await.unwrap();
    check(&strict, 60).await;
    assert!(strict.stat(&key("d0/k0")).await.unwrap().size.is_some());

    let report = unseal(&strict, &ResealOptions::default(), quiet).await.unwrap();
    assert_eq!((report.rewritten, report.unchanged, report.marked), (60, 0, false));
    check(&inner, 60).await;
    let all = inner.list(&Dir::ROOT, false).await.unwrap();
    assert_eq!(all.len(), 7, "the mark is gone: {all:?}");
    assert!(open().await.unwrap().stat(&key("d0/k0")).await.unwrap().size.is_none());
    let again =
        unseal(&accepting(&inner, &keyset), &ResealOptions::default(), quiet).await.unwrap();
    assert_eq!((again.rewritten, again.unchanged), (0, 60));
}

#[tokio::test]
async fn damaged_values_are_named_and_left_and_the_store_is_not_marked() {
    let (inner, keyset) = (MemoryStorage::new(), keyset());
    let storage = sealed(Arc::new(inner.clone()), &keyset);
    fill(&storage, 300).await;
    let mut damaged = inner.load(&key("d1/k1")).await.unwrap().to_vec();
    damaged[20] ^= 1;
    inner.store(&key("d1/k1"), &damaged).await.unwrap();
    let moved = inner.load(&key("d2/k2")).await.unwrap();
    for at in 0..150 {
        inner.store(&key(&format!("moved/k{at}")), &moved).await.unwrap();
    }
    storage.set_keyset(rotated(&keyset).0);
    let report = reseal(&storage, &ResealOptions::default(), quiet).await.unwrap();
    assert_eq!((report.damaged, report.rewritten, report.marked), (151, 299, false));
    assert_eq!(report.damaged_keys.len(), 100);
    assert_eq!(inner.load(&key("d1/k1")).await.unwrap(), damaged);
}

#[tokio::test]
async fn an_empty_store_is_only_marked_and_a_part_never_is() {
    let (inner, keyset) = (MemoryStorage::new(), keyset());
    let storage = sealed(Arc::new(inner.clone()), &keyset);
    let report = reseal(&storage, &ResealOptions::default(), quiet).await.unwrap();
    assert_eq!((report.rewritten + report.unchanged, report.marked), (0, true));
    storage.store(&key("a/b"), b"12").await.unwrap();
    assert_eq!(storage.stat(&key("a/b")).await.unwrap().size, Some(2));
    assert!(storage.list(&Dir::ROOT, true).await.unwrap().len() == 2);

    let part = MemoryStorage::new();
    let storage = sealed(Arc::new(part.clone()), &keyset);
    fill(&storage, 70).await;
    storage.set_keyset(rotated(&keyset).0);
    let mut options = ResealOptions::default();
    options.dir = key("d3").into();
    let report = reseal(&storage, &options, quiet).await.unwrap();
    assert_eq!((report.rewritten, report.marked), (10, false));
    options.dir = key("missing").into();
    let missing = reseal(&storage, &options, quiet).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}
