//! The service's limit of one write a second for each object, enforced by the server as it is by Google.

use std::time::{Duration, Instant};

use certstore_conformance::loopback_gcs::{Effect, Fault, Op};
use certstore_core::{Condition, ErrorKind, Locker as _, Storage as _};

use crate::rig::{Rig, key, name, open, probe, refused, soon};

const SECOND: Duration = Duration::from_secs(1);

/// How many writes of names like this were refused for coming too soon.
fn throttled(rig: &Rig, part: &str) -> usize {
    let requests = rig.server.requests();
    requests.iter().filter(|request| request.status == 429 && request.key.contains(part)).count()
}

#[tokio::test]
async fn writes_of_one_value_wait_until_they_may() {
    let rig = Rig::start();
    rig.server.set_write_interval(SECOND);
    let storage = rig.open().await;
    let at = key("a");
    let started = Instant::now();
    let version = storage.store(&at, b"1").await.unwrap();
    storage.store(&at, b"2").await.unwrap();
    assert!(started.elapsed() >= SECOND);
    assert!(throttled(&rig, "p/a") > 0);
    refused(
        storage.store_if(&at, b"late", &Condition::Version(version)).await,
        ErrorKind::Conflict,
    );
    let version = storage.stat(&at).await.unwrap().version.unwrap();
    storage.store_if(&at, b"3", &Condition::Version(version)).await.unwrap();
    assert!(started.elapsed() >= 2 * SECOND);
    storage.delete(&at).await.unwrap();
    assert!(started.elapsed() >= 3 * SECOND);
    refused(storage.load(&at).await, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_write_that_is_always_too_much_ends_within_its_time() {
    let rig = Rig::start();
    let mut config = rig.config();
    config.timeout = 2 * SECOND;
    let storage = open(&config).await;
    probe(&storage).await;
    let fault = rig.fault(Fault::new(Effect::TooManyRequests).on(Op::InsertObject).always());
    for conditional in [false, true] {
        let started = Instant::now();
        let stored = match conditional {
            false => storage.store(&key("a"), b"x").await,
            true => storage.store_if(&key("a"), b"x", &Condition::Absent).await,
        };
        let error = refused(stored, ErrorKind::Unavailable);
        assert!(error.is_retryable() && !error.may_have_applied(), "{error:?}");
        assert!(error.to_string().contains("one a second"), "{error}");
        assert!(started.elapsed() <= 2 * SECOND, "{:?}", started.elapsed());
    }
    assert!(fault.fired() >= 4);
    fault.lift();
    storage.store_if(&key("a"), b"x", &Condition::Absent).await.unwrap();
}

#[tokio::test]
async fn a_lock_is_taken_and_given_back_again_and_again() {
    let rig = Rig::start();
    let mut config = rig.config();
    config.lease = 30 * SECOND;
    let storage = open(&config).await;
    probe(&storage).await;
    rig.server.set_write_interval(SECOND);
    let started = Instant::now();
    for _ in 0..2 {
        let held = soon(storage.lock(&name("job"))).await.unwrap();
        soon(held.unlock()).await.unwrap();
    }
    // Four writes of one record, each a second after the one before.
    assert!(started.elapsed() >= 3 * SECOND);
    assert!(throttled(&rig, "locks/lease/job") >= 3);
}

#[tokio::test]
async fn tasks_of_a_process_hand_a_lock_over_without_a_write() {
    let rig = Rig::start();
    let mut config = rig.config();
    config.lease = 30 * SECOND;
    let storage = open(&config).await;
    probe(&storage).await;
    rig.server.set_write_interval(SECOND);
    rig.server.clear_requests();
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let storage = storage.clone();
            tokio::spawn(async move {
                let held = storage.lock(&name("job")).await.unwrap();
                let token = held.token();
                tokio::time::sleep(Duration::from_millis(20)).await;
                held.unlock().await.unwrap();
                token
            })
        })
        .collect();
    let mut tokens = Vec::new();
    for task in tasks {
        tokens.push(soon(task).await.unwrap());
    }
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), 6, "every holder has a token of its own");
    let requests = rig.server.requests();
    let done =
        requests.iter().filter(|request| request.op == Op::InsertObject && request.status == 200);
    assert_eq!(done.count(), 2, "one write to take it, one to give it back");
}

#[tokio::test]
async fn waiters_read_and_a_holder_renews_within_the_limit() {
    let rig = Rig::start();
    let mut config = rig.config();
    config.lease = 4 * SECOND;
    let (one, other) = (open(&config).await, open(&config).await);
    probe(&one).await;
    probe(&other).await;
    rig.server.set_write_interval(SECOND);
    let held = one.lock(&name("job")).await.unwrap();
    rig.server.clear_requests();
    let waiting = tokio::spawn(async move { other.lock(&name("job")).await });
    // Longer than the lease: it is renewed twice at least.
    tokio::time::sleep(5 * SECOND).await;
    held.check().unwrap();
    let requests = rig.server.requests();
    let writes = requests.iter().filter(|request| request.op == Op::InsertObject);
    let statuses: Vec<_> = writes.map(|request| request.status).collect();
    assert!(statuses.len() >= 2 && statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert!(requests.of(Op::ReadObject) > 10, "the waiter looks");
    soon(held.unlock()).await.unwrap();
    let next = soon(waiting).await.unwrap().unwrap();
    soon(next.unlock()).await.unwrap();
}
