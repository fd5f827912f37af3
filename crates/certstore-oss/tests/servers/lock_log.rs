//! The logs of locks: appends that meet another's, replies that are lost, logs that are deleted, ended and damaged.

use std::time::Duration;

use certstore_conformance::loopback_oss::{Effect, Fault, Op};
use certstore_core::{ErrorKind, Locker as _};
use certstore_oss::OssStorage;

use crate::rig::{Rig, name, open, refused, soon};

const LOG: &str = "p/locks/log/job/0000000000";

async fn turn(storage: &OssStorage) -> u64 {
    let held = soon(storage.lock(&name("job"))).await.expect("the lock is had");
    let token = held.token().0;
    soon(held.unlock()).await.expect("the lock is given back");
    token
}

#[tokio::test]
async fn an_append_at_a_wrong_position_is_the_end_of_what_was_known() {
    let rig = Rig::start();
    let (storage, other) = (rig.probed().await, rig.probed().await);
    turn(&storage).await;
    let held = other.lock(&name("job")).await.unwrap();
    rig.server.clear_requests();
    // This client still takes its own release for the last word.
    assert!(storage.try_lock(&name("job")).await.unwrap().is_none());
    let requests = rig.server.requests();
    let appends: Vec<u16> = requests
        .iter()
        .filter(|request| request.op == Op::AppendObject)
        .map(|request| request.status)
        .collect();
    assert_eq!(appends, [409]);
    held.check().unwrap();
    held.unlock().await.unwrap();
    turn(&storage).await;
}

#[tokio::test]
async fn a_lock_is_had_and_given_back_whatever_happens_to_a_request() {
    let rig = Rig::start();
    let (storage, other) = (rig.probed().await, rig.probed().await);
    for effect in [
        Effect::LoseRequest,
        Effect::LoseReply,
        Effect::Repeat,
        Effect::InternalError,
        Effect::InternalErrorAfter,
        Effect::ServiceUnavailable,
        Effect::QpsLimitExceeded,
        Effect::NoChecksum,
    ] {
        let arm = || rig.fault(Fault::new(effect).on(Op::AppendObject).key("*/locks/log/*"));
        let fault = arm();
        let held = soon(storage.lock(&name("job"))).await;
        let held = held.unwrap_or_else(|error| panic!("{effect:?}: {error:?}"));
        assert_eq!(fault.fired(), 1, "{effect:?}");
        assert!(other.try_lock(&name("job")).await.unwrap().is_none(), "{effect:?}: held twice");
        held.check().unwrap();
        let fault = arm();
        soon(held.unlock()).await.unwrap_or_else(|error| panic!("{effect:?}: {error:?}"));
        assert_eq!(fault.fired(), 1, "{effect:?}");
        let next = other.try_lock(&name("job")).await.unwrap();
        next.expect("the lock is free").unlock().await.unwrap();
    }
}

#[tokio::test]
async fn a_repeated_append_meets_itself_and_is_recognised() {
    let rig = Rig::start();
    let storage = rig.probed().await;
    turn(&storage).await;
    let before = rig.length(LOG);
    let fault = rig.fault(Fault::new(Effect::Repeat).on(Op::AppendObject));
    let held = soon(storage.lock(&name("job"))).await.unwrap();
    assert_eq!(fault.fired(), 1);
    assert_eq!(rig.length(LOG) - before, 512, "one record, and not another try");
    held.unlock().await.unwrap();
}

#[tokio::test]
async fn a_log_that_grew_anew_to_the_same_length_fools_nobody() {
    let rig = Rig::start();
    let (storage, other, third) = (rig.probed().await, rig.probed().await, rig.probed().await);
    turn(&storage).await;
    let known = rig.length(LOG);
    assert_eq!(known, 1_024);
    rig.raw().delete(LOG);
    // The other's record and one renewal: exactly as long as what this client knows, and held.
    let held = soon(other.lock(&name("job"))).await.unwrap();
    soon(async {
        while rig.length(LOG) < known {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    rig.server.clear_requests();
    let tried = storage.try_lock(&name("job")).await.unwrap();
    let requests = rig.server.requests();
    let late =
        requests.iter().find(|request| request.op == Op::AppendObject && request.status == 200);
    assert!(late.is_some(), "the late append went through: {requests:?}");
    assert!(tried.is_none(), "and gave its writer nothing");
    assert!(third.try_lock(&name("job")).await.unwrap().is_none(), "nor anybody else");
    // The holder renews behind what landed there.
    tokio::time::sleep(Duration::from_millis(1_600)).await;
    held.check().unwrap();
    soon(held.unlock()).await.unwrap();
    assert!(turn(&storage).await < turn(&third).await);
}

#[tokio::test]
async fn a_holder_whose_log_is_deleted_has_lost_the_lock() {
    let rig = Rig::start();
    let (storage, other) = (rig.probed().await, rig.probed().await);
    let held = storage.lock(&name("job")).await.unwrap();
    rig.raw().delete(LOG);
    soon(held.lost()).await;
    refused(held.unlock().await, ErrorKind::LockLost);
    turn(&other).await;
}

/// A client whose logs end after some records.
async fn rotating(rig: &Rig) -> OssStorage {
    let mut config = rig.config();
    config.rotate_at = 4 << 10;
    open(&config).await
}

#[tokio::test]
async fn a_long_log_ends_and_the_lock_goes_on_in_the_next() {
    let rig = Rig::start();
    let (storage, other) = (rotating(&rig).await, rotating(&rig).await);
    let mut last = 0;
    for round in 0..24 {
        let token = turn(if round % 3 == 0 { &other } else { &storage }).await;
        assert!(token > last, "{token} after {last}");
        last = token;
    }
    let logs = rig.server.objects(&rig.site.bucket, "p/locks/log/job/");
    assert!(logs.len() >= 4, "{logs:?}");
    assert!(logs.iter().all(|(_, length)| *length <= 5 << 10), "{logs:?}");
    // Who comes later finds the newest, also when the first ones are gone.
    let held = storage.lock(&name("job")).await.unwrap();
    for (gone, _) in logs.iter().take(2) {
        let cold = rotating(&rig).await;
        assert!(cold.try_lock(&name("job")).await.unwrap().is_none());
        assert_eq!(cold.locks().await.unwrap()[0].token, Some(held.token()));
        rig.raw().delete(gone);
    }
    held.unlock().await.unwrap();
    assert!(turn(&rotating(&rig).await).await > last);
}

#[tokio::test]
async fn the_end_of_a_log_may_fail_at_any_request() {
    for effect in [
        Effect::LoseRequest,
        Effect::LoseReply,
        Effect::Repeat,
        Effect::InternalErrorAfter,
        Effect::NoChecksum,
    ] {
        let rig = Rig::start();
        let (storage, other) = (rotating(&rig).await, rotating(&rig).await);
        turn(&storage).await;
        let mut last = 0;
        // Each request in turn meets the fault, the ends of logs and the beginnings of the next among them.
        for round in 0..12 {
            let fault = rig.fault(Fault::new(effect).on(Op::AppendObject).skip(round % 3));
            let held = soon(storage.lock(&name("job"))).await.unwrap();
            assert!(other.try_lock(&name("job")).await.unwrap().is_none(), "{effect:?} {round}");
            assert!(held.token().0 > last);
            last = held.token().0;
            soon(held.unlock()).await.unwrap_or_else(|error| panic!("{effect:?}: {error:?}"));
            fault.lift();
        }
        assert!(rig.objects("p/locks/log/job/").len() > 1, "{effect:?}");
    }
}

#[tokio::test]
async fn a_log_that_ended_without_a_next_one_keeps_its_holder() {
    let rig = Rig::start();
    let (storage, other) = (rotating(&rig).await, rotating(&rig).await);
    while rig.length(LOG) < 3 << 10 {
        turn(&storage).await;
    }
    let held = storage.lock(&name("job")).await.unwrap();
    // Renewals end the log, and the next one cannot be begun for a while.
    let next = "*/job/0000000001";
    let fault =
        rig.fault(Fault::new(Effect::ServiceUnavailable).on(Op::AppendObject).key(next).always());
    soon(async {
        while fault.fired() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert!(rotating(&rig).await.try_lock(&name("job")).await.unwrap().is_none());
    assert!(other.try_lock(&name("job")).await.unwrap().is_none());
    fault.lift();
    tokio::time::sleep(Duration::from_millis(600)).await;
    held.check().unwrap();
    soon(held.unlock()).await.unwrap();
    assert!(rig.length("p/locks/log/job/0000000001") > 0);
    turn(&other).await;
}

#[tokio::test]
async fn a_damaged_log_is_an_error_and_no_free_lock() {
    let rig = Rig::start();
    let storage = rig.probed().await;
    turn(&storage).await;
    let fine = storage.lock(&name("fine")).await.unwrap();
    let length = rig.length(LOG);
    assert_eq!(rig.raw().append(LOG, length, &[b'x'; 256]), 200);
    let error = refused(soon(storage.lock(&name("job"))).await, ErrorKind::Corrupt);
    assert!(error.to_string().contains("delete it"), "{error}");
    refused(rig.open().await.try_lock(&name("job")).await, ErrorKind::Corrupt);
    // One damaged log hides no other lock.
    let locks = storage.locks().await.unwrap();
    assert_eq!(locks.iter().map(|lock| lock.name.as_str()).collect::<Vec<_>>(), ["fine"]);
    rig.raw().delete(LOG);
    turn(&storage).await;
    fine.unlock().await.unwrap();
}

#[tokio::test]
async fn an_object_that_was_put_over_a_log_is_an_error() {
    let rig = Rig::start();
    let storage = rig.probed().await;
    turn(&storage).await;
    rig.raw().put(LOG, &[0; 1_024]);
    refused(soon(storage.lock(&name("job"))).await, ErrorKind::Corrupt);
    refused(rig.open().await.try_lock(&name("job")).await, ErrorKind::Corrupt);
}

#[tokio::test]
async fn odd_and_long_names_are_listed_as_they_are() {
    let rig = Rig::start();
    let storage = rig.probed().await;
    let mut names =
        vec!["issue_cert_*.example.com".to_owned(), "b\u{fc}cher/~ \n".to_owned(), "x".repeat(512)];
    let mut held = Vec::new();
    for text in &names {
        held.push(storage.lock(&name(text)).await.unwrap());
    }
    let mut told: Vec<String> =
        storage.locks().await.unwrap().into_iter().map(|lock| lock.name.to_string()).collect();
    told.sort();
    names.sort();
    assert_eq!(told, names);
    for lock in held {
        lock.unlock().await.unwrap();
    }
    assert!(storage.locks().await.unwrap().is_empty());
}
