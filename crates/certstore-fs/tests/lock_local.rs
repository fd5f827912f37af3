//! Locks within one process: order, cancellation, loss, and what they cost.

mod lock_support;

use std::fs;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use certstore_core::{ErrorKind, FencingToken, LockName, Locker, LostReason};
use lock_support::{NAME, name, open};
use tokio::time::{sleep, timeout};

const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_lock_is_held_once_and_tokens_grow() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let mut newest = FencingToken(0);
    for _ in 0..5 {
        let lock = storage.lock(&name()).await.unwrap();
        assert!(lock.token() > newest);
        newest = lock.token();
        assert!(storage.try_lock(&name()).await.unwrap().is_none(), "same storage");
        assert!(open(folder.path()).try_lock(&name()).await.unwrap().is_none(), "another one");
        assert_eq!(storage.locks().await.unwrap()[0].token, Some(newest));
        lock.unlock().await.unwrap();
        assert_eq!(storage.locks().await.unwrap(), []);
    }
    let reopened = open(folder.path());
    assert!(reopened.lock(&name()).await.unwrap().token() > newest);
}

#[tokio::test]
async fn a_damaged_guard_file_is_written_anew_and_tokens_grow() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let mut newest = FencingToken(0);
    for damage in [&b""[..], b"x", b"0123456789abcdef {\"token\":18446744073709551615}\n"] {
        let lock = storage.lock(&name()).await.unwrap();
        assert!(lock.token() > newest, "{:?} after {newest}", lock.token());
        newest = lock.token();
        lock.unlock().await.unwrap();
        let guard = folder.path().join(format!("locks/.{NAME}.guard"));
        fs::write(guard, damage).unwrap();
    }
    assert!(storage.lock(&name()).await.unwrap().token() > newest);
}

#[tokio::test]
async fn names_that_map_alike_exclude_each_other_and_long_ones_work() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let lock = |name: &str| -> LockName { name.parse().unwrap() };
    let first = storage.lock(&lock("Job 1")).await.unwrap();
    assert!(storage.try_lock(&lock("job_1")).await.unwrap().is_none());
    let long = storage.lock(&lock(&"x".repeat(512))).await.unwrap();
    let longer = storage.lock(&lock(&("x".repeat(511) + "y"))).await.unwrap();
    assert!(storage.try_lock(&lock(&"x".repeat(512))).await.unwrap().is_none());
    for held in [first, long, longer] {
        held.unlock().await.unwrap();
    }
    let nothing_left = storage.lock(&lock("..")).await.unwrap();
    assert!(storage.try_lock(&lock("/")).await.unwrap().is_none());
    nothing_left.unlock().await.unwrap();
}

#[tokio::test]
async fn waiters_of_one_process_come_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let held = storage.lock(&name()).await.unwrap();
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut waiting = Vec::new();
    for i in 0..20 {
        let (storage, order) = (storage.clone(), order.clone());
        waiting.push(tokio::spawn(async move {
            let lock = storage.lock(&name()).await.unwrap();
            order.lock().unwrap().push(i);
            lock.unlock().await.unwrap();
        }));
        tokio::task::yield_now().await;
    }
    held.unlock().await.unwrap();
    for waiting in waiting {
        waiting.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>());
}

/// What a certstore process has left that was killed long ago.
const DEAD: &str = r#"{"created":"2026-01-02T03:04:05Z","owner":"certstore/1","token":1}"#;

/// Polls a future of `lock` up to `polls` times and drops it where it stands; says whether it was done.
async fn dropped_after(polls: usize, future: impl Future) -> bool {
    let mut future = pin!(future);
    for _ in 0..polls {
        if future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return true;
        }
        sleep(Duration::from_millis(3)).await;
    }
    false
}

#[tokio::test]
async fn a_dropped_future_leaves_nothing_held() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, other) = (open(folder.path()), open(folder.path()));
    fs::create_dir_all(folder.path().join("locks")).unwrap();
    let stale = folder.path().join(format!("locks/{NAME}.lock"));
    for polls in 0..6 {
        // In the queue, behind the guard file, and behind a Go lock file.
        let held = storage.lock(&name()).await.unwrap();
        assert!(!dropped_after(polls, storage.lock(&name())).await);
        assert!(!dropped_after(polls, other.lock(&name())).await);
        held.unlock().await.unwrap();
        let free = storage.try_lock(&name()).await.unwrap().expect("nobody holds it");
        free.unlock().await.unwrap();
        fs::write(&stale, "").unwrap();
        assert!(!dropped_after(polls, storage.lock(&name())).await);
        // A dead holder's file, so old that a takeover looks twice.
        fs::write(&stale, DEAD).unwrap();
        assert!(!dropped_after(polls, storage.lock(&name())).await);
        assert_eq!(stale.exists(), polls == 0, "what was put in its place is gone again");
        let next = timeout(SOON, other.lock(&name())).await.expect("nobody holds it").unwrap();
        next.unlock().await.unwrap();
    }
    assert_eq!(storage.locks().await.unwrap(), []);
}

#[tokio::test]
async fn a_dropped_guard_frees_the_lock_even_without_its_runtime() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    drop(storage.lock(&name()).await.unwrap());
    timeout(SOON, storage.lock(&name())).await.expect("released").unwrap().unlock().await.unwrap();

    let path = folder.path().to_owned();
    let ended = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let lock = runtime.block_on(open(&path).lock(&name())).unwrap();
        drop(runtime);
        drop(lock);
    });
    tokio::task::spawn_blocking(|| ended.join().unwrap()).await.unwrap();
    assert!(storage.try_lock(&name()).await.unwrap().is_some());
}

#[tokio::test]
async fn whoever_waits_for_the_loss_learns_that_the_lock_was_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let lock = storage.lock(&name()).await.unwrap();
    let validity = lock.validity().clone();
    lock.unlock().await.unwrap();
    assert_eq!(timeout(SOON, validity.lost()).await.expect("unlocked"), LostReason::Released);

    let lock = storage.lock(&name()).await.unwrap();
    let validity = lock.validity().clone();
    drop(lock);
    assert_eq!(timeout(SOON, validity.lost()).await.expect("dropped"), LostReason::Released);

    // Nothing runs any more that could give it back in the background.
    let path = folder.path().to_owned();
    let without_a_runtime = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let lock = runtime.block_on(open(&path).lock(&name())).unwrap();
        drop(runtime);
        let validity = lock.validity().clone();
        drop(lock);
        validity
    });
    let validity = tokio::task::spawn_blocking(|| without_a_runtime.join().unwrap()).await.unwrap();
    assert_eq!(timeout(SOON, validity.lost()).await.expect("dropped late"), LostReason::Released);

    let lock = storage.lock(&name()).await.unwrap();
    let validity = lock.validity().clone();
    fs::remove_file(folder.path().join(format!("locks/{NAME}.lock"))).unwrap();
    lock.unlock().await.unwrap_err();
    assert_eq!(timeout(SOON, validity.lost()).await.expect("lost before"), LostReason::Stolen);
}

#[tokio::test]
async fn a_broken_lock_is_lost_and_free() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let free = storage.break_lock(&name(), FencingToken(1)).await.unwrap_err();
    assert_eq!(free.kind(), ErrorKind::Conflict);
    assert!(!folder.path().join(format!("locks/.{NAME}.guard")).exists(), "nothing was changed");

    let lock = storage.lock(&name()).await.unwrap();
    let wrong = storage.break_lock(&name(), FencingToken(1)).await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Conflict);
    lock.check().unwrap();
    let started = Instant::now();
    storage.break_lock(&name(), lock.token()).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(timeout(SOON, lock.lost()).await.unwrap(), LostReason::Broken);
    let next = storage.try_lock(&name()).await.unwrap().expect("it is free");
    assert_eq!(lock.unlock().await.unwrap_err().kind(), ErrorKind::LockLost);
    next.check().unwrap();
    assert!(storage.try_lock(&name()).await.unwrap().is_none(), "the new holder keeps it");
}

#[tokio::test]
async fn somebody_elses_file_in_our_place_is_a_loss_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let file = folder.path().join(format!("locks/{NAME}.lock"));
    let lock = storage.lock(&name()).await.unwrap();
    // The very bytes of ours, in another file.
    let bytes = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    fs::write(&file, &bytes).unwrap();
    assert_eq!(lock.unlock().await.unwrap_err().kind(), ErrorKind::LockLost);
    assert_eq!(fs::read(&file).unwrap(), bytes);
}

#[tokio::test]
async fn the_locks_directory_may_be_deleted_while_nobody_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (open(folder.path()), open(folder.path()));
    let held = first.lock(&name()).await.unwrap();
    let waiting = tokio::spawn(async move { second.lock(&name()).await.unwrap() });
    sleep(Duration::from_millis(20)).await;
    fs::remove_dir_all(folder.path().join("locks")).unwrap();
    let lock = timeout(SOON, waiting).await.expect("the new directory is found").unwrap();
    assert_eq!(timeout(SOON, held.lost()).await.unwrap(), LostReason::Stolen);
    assert_eq!(held.unlock().await.unwrap_err().kind(), ErrorKind::LockLost);
    lock.check().unwrap();
    assert!(first.try_lock(&name()).await.unwrap().is_none());
}

#[tokio::test]
async fn links_in_the_place_of_lock_files_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let (locks, victim) = (folder.path().join("locks"), folder.path().join("victim"));
    fs::create_dir(&locks).unwrap();
    fs::write(&victim, "precious").unwrap();
    for file in [format!(".{NAME}.guard"), format!("{NAME}.lock")] {
        std::os::unix::fs::symlink(&victim, locks.join(&file)).unwrap();
        storage.lock(&name()).await.unwrap_err();
        fs::remove_file(locks.join(&file)).unwrap();
    }
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    storage.lock(&name()).await.unwrap().unlock().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_of_many_storages_never_hold_together() {
    let folder = tempfile::tempdir().unwrap();
    let inside = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let storage = open(folder.path());
        for _ in 0..4 {
            let (storage, inside) = (storage.clone(), inside.clone());
            tasks.push(tokio::spawn(async move {
                for _ in 0..10 {
                    let lock = storage.lock(&name()).await.unwrap();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    tokio::task::yield_now().await;
                    lock.check().unwrap();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    lock.unlock().await.unwrap();
                }
            }));
        }
    }
    for task in tasks {
        timeout(Duration::from_secs(60), task).await.expect("nobody starves").unwrap();
    }
}

/// One process that takes the lock in a tight loop does not keep another out.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_holder_lets_others_in() {
    let folder = tempfile::tempdir().unwrap();
    let (busy, patient) = (open(folder.path()), open(folder.path()));
    let rounds = Arc::new(AtomicUsize::new(0));
    let counted = rounds.clone();
    let looping = tokio::spawn(async move {
        loop {
            let lock = busy.lock(&name()).await.unwrap();
            sleep(Duration::from_millis(2)).await;
            lock.unlock().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    for _ in 0..5 {
        let before = rounds.load(Ordering::SeqCst);
        let lock = timeout(SOON, patient.lock(&name())).await.expect("it gets its turn").unwrap();
        let waited = rounds.load(Ordering::SeqCst) - before;
        assert!(waited <= 100, "{waited} rounds of the other");
        lock.unlock().await.unwrap();
        sleep(Duration::from_millis(5)).await;
    }
    looping.abort();
}

#[tokio::test]
async fn nothing_is_left_over_but_the_guard_and_the_identity() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    for _ in 0..3 {
        let lock = storage.lock(&name()).await.unwrap();
        sleep(Duration::from_millis(30)).await;
        lock.unlock().await.unwrap();
    }
    let mut left: Vec<String> = fs::read_dir(folder.path().join("locks"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|file| !file.starts_with(".fence-"))
        .collect();
    left.sort();
    assert_eq!(left, [".certstore-id".to_owned(), format!(".{NAME}.guard")]);
}

#[tokio::test]
async fn looking_at_locks_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    assert_eq!(storage.locks().await.unwrap(), []);
    assert!(!folder.path().join("locks").exists());
}
