//! The race that certmagic-oss warns of in its own documentation: two that find a dead lock at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use certstore_core::Locker as _;
use tokio::sync::Barrier;

use crate::rig::{Rig, die_with, name, open, soon};

const FORBID: &str = "x-oss-forbid-overwrite: true";

/// What certmagic-oss does: look, find it too old, delete, create. Between the look and the delete is the race.
#[test]
fn two_that_delete_and_create_both_hold() {
    let rig = Rig::start();
    let (one, other) = (rig.raw(), rig.raw());
    let create =
        |client: &crate::raw::Raw| client.send("PUT", "job.lock", FORBID, b"").status == 200;
    assert!(create(&one), "the holder that dies");
    rig.server.set_clock(400);
    for client in [&one, &other] {
        assert!(!create(client));
        let head = client.send("HEAD", "job.lock", "", b"");
        let age = head.time("date").duration_since(head.time("last-modified")).unwrap();
        assert!(age > Duration::from_secs(300), "both find it out of date");
    }
    one.delete("job.lock");
    assert!(create(&one));
    other.delete("job.lock");
    assert!(create(&other), "and both hold it");
}

/// The same with ours: every racer names the very record that it watched.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_all_that_take_over_a_dead_lock_one_holds_at_a_time() {
    const RACERS: usize = 8;
    let rig = Rig::start();
    let mut config = rig.config();
    config.lease = Some(Duration::from_secs(3));
    for round in 0..2 {
        let lock = format!("job-{round}");
        die_with(&config, &lock);
        let (holders, had) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let barrier = Arc::new(Barrier::new(RACERS));
        let mut racers = Vec::new();
        for _ in 0..RACERS {
            // A client of its own each, as in another process.
            let storage = open(&config).await;
            let (holders, had) = (holders.clone(), had.clone());
            let (barrier, lock) = (barrier.clone(), name(&lock));
            racers.push(tokio::spawn(async move {
                barrier.wait().await;
                let held = storage.lock(&lock).await.expect("the server answers");
                assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0, "two hold the lock");
                tokio::time::sleep(Duration::from_millis(20)).await;
                held.check().expect("still held");
                assert_eq!(holders.fetch_sub(1, Ordering::SeqCst), 1, "two hold the lock");
                had.fetch_add(1, Ordering::SeqCst);
                held.unlock().await.expect("still held");
            }));
        }
        for racer in racers {
            soon(racer).await.expect("no racer fails");
        }
        assert_eq!(had.load(Ordering::SeqCst), RACERS);
    }
}

#[tokio::test]
async fn a_dead_lock_is_taken_after_a_lease_and_not_before() {
    let rig = Rig::start();
    let storage = rig.probed().await;
    die_with(&rig.config(), "job");
    assert!(storage.try_lock(&name("job")).await.unwrap().is_none());
    let began = std::time::Instant::now();
    let held = soon(storage.lock(&name("job"))).await.unwrap();
    // The lease is 1.5 s, and was watched from the first try on.
    assert!(began.elapsed() > Duration::from_millis(1_300), "{:?}", began.elapsed());
    held.unlock().await.unwrap();
}
