//! Locks, while the server or the way to it fails.

use std::time::{Duration, Instant};

use certstore_conformance::loopback_gcs::{Effect, Fault, Op};
use certstore_core::Locker as _;

use crate::rig::{Rig, name, soon};

const RECORDS: &str = "*/locks/lease/*";

fn on_records(effect: Effect) -> Fault {
    Fault::new(effect).on(Op::InsertObject).key(RECORDS)
}

#[tokio::test]
async fn a_lock_is_had_whatever_happens_to_the_first_request() {
    let rig = Rig::start();
    let (storage, other) = (rig.probed().await, rig.probed().await);
    for (round, effect) in [
        Effect::LoseRequest,
        Effect::LoseReply,
        Effect::FailAgainstItself,
        Effect::InternalError,
        Effect::InternalErrorAfter,
        Effect::ServiceUnavailable,
    ]
    .into_iter()
    .enumerate()
    {
        let lock_name = name(&format!("job-{round}"));
        let fault = rig.fault(on_records(effect));
        let held = soon(storage.lock(&lock_name)).await;
        let held = held.unwrap_or_else(|error| panic!("{effect:?}: {error:?}"));
        assert_eq!(fault.fired(), 1, "{effect:?}");
        assert!(other.try_lock(&lock_name).await.unwrap().is_none(), "{effect:?}: held twice");
        held.check().unwrap();
        held.unlock().await.unwrap();
        let next = other.try_lock(&lock_name).await.unwrap();
        next.expect("the lock is free").unlock().await.unwrap();
    }
}

#[tokio::test]
async fn a_lock_is_given_back_whatever_happens_to_the_first_request() {
    let rig = Rig::start();
    let (storage, other) = (rig.probed().await, rig.probed().await);
    for effect in [
        Effect::LoseRequest,
        Effect::LoseReply,
        Effect::FailAgainstItself,
        Effect::InternalError,
        Effect::InternalErrorAfter,
    ] {
        let held = soon(storage.lock(&name("job"))).await.unwrap();
        let fault = rig.fault(on_records(effect));
        soon(held.unlock()).await.unwrap_or_else(|error| panic!("{effect:?}: {error:?}"));
        assert_eq!(fault.fired(), 1, "{effect:?}");
        let next = other.try_lock(&name("job")).await.unwrap();
        next.expect("the lock is free").unlock().await.unwrap();
    }
}

#[tokio::test]
async fn a_waiting_client_takes_over_within_its_poll() {
    let rig = Rig::start();
    let (storage, other) = (rig.probed().await, rig.probed().await);
    let mut waits = Vec::new();
    for _ in 0..8 {
        let held = storage.lock(&name("job")).await.unwrap();
        let waiting = tokio::spawn({
            let other = other.clone();
            async move { other.lock(&name("job")).await.map(|lock| (lock, Instant::now())) }
        });
        // Its polls are spread to the longest by then.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let released = Instant::now();
        held.unlock().await.unwrap();
        let (lock, at) = soon(waiting).await.unwrap().unwrap();
        waits.push(at.saturating_duration_since(released));
        lock.unlock().await.unwrap();
    }
    waits.sort_unstable();
    assert!(waits[4] < Duration::from_millis(400), "{waits:?}");
}
