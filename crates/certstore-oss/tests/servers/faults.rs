//! Values, while the server or the way to it fails.

use std::time::{Duration, Instant};

use certstore_conformance::loopback_oss::{Effect, Fault, Op};
use certstore_core::{Condition, Dir, ErrorKind, Storage as _};

use crate::rig::{Rig, key, open, refused, soon};

#[tokio::test]
async fn reads_and_plain_writes_are_sent_again() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let at = key("a");
    for effect in [
        Effect::LoseRequest,
        Effect::LoseReply,
        Effect::InternalError,
        Effect::ServiceUnavailable,
        Effect::QpsLimitExceeded,
    ] {
        for op in
            [Op::PutObject, Op::GetObject, Op::HeadObject, Op::ListObjectsV2, Op::DeleteObject]
        {
            let fault = rig.fault(Fault::new(effect).on(op));
            storage.store(&at, b"value").await.unwrap();
            assert_eq!(storage.load(&at).await.unwrap(), "value");
            assert!(storage.exists(&at).await.unwrap());
            assert_eq!(storage.list(&Dir::ROOT, true).await.unwrap(), std::slice::from_ref(&at));
            storage.delete(&at).await.unwrap();
            assert_eq!(fault.fired(), 1, "{effect:?} {op:?}");
        }
    }
}

#[tokio::test]
async fn a_busy_server_is_asked_three_times() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let fault = rig.fault(Fault::new(Effect::QpsLimitExceeded).on(Op::PutObject).always());
    let error = refused(storage.store(&key("a"), b"value").await, ErrorKind::Unavailable);
    assert!(error.to_string().contains("fewer requests") && error.is_retryable(), "{error}");
    assert_eq!(fault.fired(), 3);
}

#[tokio::test]
async fn a_conditional_write_is_sent_once() {
    let rig = Rig::start();
    let storage = rig.open().await;
    for (number, (effect, applied)) in [
        (Effect::LoseRequest, false),
        (Effect::LoseReply, true),
        (Effect::InternalError, false),
        (Effect::InternalErrorAfter, true),
        (Effect::ServiceUnavailable, false),
    ]
    .into_iter()
    .enumerate()
    {
        let at = key(&format!("a/{number}"));
        rig.server.clear_requests();
        let fault = rig.fault(Fault::new(effect).on(Op::PutObject).conditional());
        let stored = storage.store_if(&at, b"new", &Condition::Absent).await;
        let error = refused(stored, ErrorKind::Unavailable);
        assert!(error.may_have_applied() && error.is_retryable(), "{effect:?}: {error:?}");
        assert_eq!((fault.fired(), rig.server.requests().of(Op::PutObject)), (1, 1), "{effect:?}");
        assert_eq!(storage.exists(&at).await.unwrap(), applied, "{effect:?}");
    }
}

#[tokio::test]
async fn a_slow_server_is_not_waited_for() {
    let rig = Rig::start();
    let mut config = rig.config();
    config.timeout = Duration::from_millis(300);
    let storage = open(&config).await;
    let at = key("a");
    storage.store(&at, b"value").await.unwrap();
    for (op, write) in [(Op::GetObject, false), (Op::PutObject, true)] {
        let fault = rig.fault(Fault::new(Effect::Delay(Duration::from_secs(5))).on(op).always());
        let started = Instant::now();
        let error = match write {
            true => refused(soon(storage.store(&at, b"late")).await, ErrorKind::Unavailable),
            false => refused(soon(storage.load(&at)).await, ErrorKind::Unavailable),
        };
        assert_eq!(error.may_have_applied(), write, "{error:?}");
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        fault.lift();
    }
}

#[tokio::test]
async fn a_read_without_an_answer_is_sent_again_in_half_the_time() {
    let rig = Rig::start();
    let mut config = rig.config();
    config.timeout = Duration::from_secs(2);
    let storage = open(&config).await;
    storage.store(&key("a"), b"value").await.unwrap();
    for op in [Op::GetObject, Op::HeadObject, Op::ListObjectsV2] {
        let fault = rig.fault(Fault::new(Effect::Delay(Duration::from_secs(60))).on(op));
        assert_eq!(soon(storage.load(&key("a"))).await.unwrap(), "value");
        assert!(storage.exists(&key("a")).await.unwrap());
        assert!(!storage.exists(&key("missing")).await.unwrap());
        assert_eq!(fault.fired(), 1, "{op}");
    }
}

#[tokio::test]
async fn a_value_cut_short_is_asked_for_again() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let (at, value) = (key("a"), vec![7; 10_000]);
    storage.store(&at, &value).await.unwrap();
    let fault = rig.fault(Fault::new(Effect::TruncateBody).on(Op::GetObject));
    assert_eq!(storage.load(&at).await.unwrap(), value);
    assert_eq!(fault.fired(), 1);
    rig.fault(Fault::new(Effect::TruncateBody).on(Op::GetObject).always());
    refused(soon(storage.load(&at)).await, ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_list_cut_short_is_no_short_list() {
    let rig = Rig::start();
    let storage = rig.open().await;
    for number in 0..20 {
        storage.store(&key(&format!("a/{number}")), b"x").await.unwrap();
    }
    rig.fault(Fault::new(Effect::TruncateBody).on(Op::ListObjectsV2).always());
    refused(soon(storage.list(&Dir::ROOT, true)).await, ErrorKind::Unavailable);
}

#[tokio::test]
async fn the_longest_key_is_looked_for_and_deleted() {
    let rig = Rig::start();
    let storage = open(&rig.site.config(&"p".repeat(22))).await;
    let parts =
        ["x".repeat(199), "x".repeat(200), "x".repeat(200), "x".repeat(200), "x".repeat(197)];
    let at = key(&parts.join("/"));
    assert_eq!(at.as_str().len() + 23, 1_023);
    assert!(!storage.exists(&at).await.unwrap());
    storage.store(&at, b"value").await.unwrap();
    assert!(storage.exists(&at).await.unwrap());
    storage.delete(&at).await.unwrap();
    assert!(!storage.exists(&at).await.unwrap());
    let longer = open(&rig.site.config(&"p".repeat(23))).await;
    let error = refused(longer.store(&at, b"value").await, ErrorKind::InvalidKey);
    assert!(error.to_string().contains("1023"), "{error}");
}

/// A bundle of two values, of which the writer's death has left the first one new and the journal.
async fn half_a_bundle(rig: &Rig) {
    let storage = rig.open().await;
    let (a, b) = (key("d/e/a"), key("d/e/b"));
    storage.store_all(&[(&a, b"old"), (&b, b"old")]).await.expect("the server answers");
    let fault = rig.fault(Fault::new(Effect::LoseRequest).on(Op::PutObject).key("*/e/b").times(3));
    storage.store_all(&[(&a, b"new"), (&b, b"new")]).await.expect_err("it is refused");
    assert_eq!(fault.fired(), 3);
    assert_eq!(rig.objects("p/locks/journal/").len(), 1);
}

#[tokio::test]
async fn half_a_bundle_is_read_whole_and_finished_by_the_next() {
    let rig = Rig::start();
    half_a_bundle(&rig).await;
    let storage = rig.open().await;
    let (a, b) = (key("d/e/a"), key("d/e/b"));
    assert_eq!(storage.load_bundle(&[&a, &b]).await.unwrap(), ["new", "new"]);
    storage.store_all(&[(&a, b"newer")]).await.unwrap();
    assert_eq!(storage.load(&b).await.unwrap(), "new");
    assert_eq!(rig.objects("p/locks/journal/"), [""; 0]);
}

#[tokio::test]
async fn a_delete_of_a_directory_that_breaks_off_leaves_no_half_of_a_bundle() {
    let rig = Rig::start();
    half_a_bundle(&rig).await;
    let storage = rig.open().await;
    let (a, b) = (key("d/e/a"), key("d/e/b"));
    let fault = rig.fault(Fault::new(Effect::LoseRequest).on(Op::DeleteMultipleObjects).always());
    storage.delete(&key("d")).await.unwrap_err();
    assert!(fault.fired() > 0);
    assert_eq!(storage.load_bundle(&[&a, &b]).await.unwrap(), ["new", "new"]);
    fault.lift();
    storage.delete(&key("d")).await.unwrap();
    for place in ["p/d", "p/locks/journal/"] {
        assert_eq!(rig.objects(place), [""; 0]);
    }
}
