//! Values, while the server or the way to it fails.

use std::time::{Duration, Instant};

use certstore_conformance::loopback_s3::{Effect, Fault, Op};
use certstore_core::{Condition, Dir, ErrorKind, Storage as _};

use crate::rig::{Rig, key, open, refused, soon};

#[tokio::test]
async fn reads_and_plain_writes_are_sent_again() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let at = key("a");
    for effect in [Effect::LoseRequest, Effect::LoseReply, Effect::InternalError, Effect::SlowDown]
    {
        for op in [Op::PutObject, Op::GetObject, Op::ListObjectsV2, Op::DeleteObject] {
            let fault = rig.fault(Fault::new(effect).on(op));
            storage.store(&at, b"value").await.unwrap();
            assert_eq!(storage.load(&at).await.unwrap(), "value");
            assert_eq!(storage.list(&Dir::ROOT, true).await.unwrap(), std::slice::from_ref(&at));
            storage.delete(&at).await.unwrap();
            assert_eq!(fault.fired(), 1, "{effect:?} {op:?}");
        }
    }
}

#[tokio::test]
async fn a_conditional_write_is_sent_once() {
    let rig = Rig::start();
    let storage = rig.probed().await;
    let at = key("a");
    for (effect, applied) in [
        (Effect::LoseRequest, false),
        (Effect::LoseReply, true),
        (Effect::InternalError, false),
        (Effect::InternalErrorAfter, true),
        (Effect::SlowDown, false),
    ] {
        let version = storage.store(&at, b"before").await.unwrap();
        rig.server.clear_requests();
        let fault = rig.fault(Fault::new(effect).on(Op::PutObject).conditional());
        let stored = storage.store_if(&at, b"after", &Condition::Version(version)).await;
        let error = refused(stored, ErrorKind::Unavailable);
        assert!(error.may_have_applied() && error.is_retryable(), "{effect:?}: {error:?}");
        assert_eq!((fault.fired(), rig.server.requests().of(Op::PutObject)), (1, 1), "{effect:?}");
        let expected = if applied { "after" } else { "before" };
        assert_eq!(storage.load(&at).await.unwrap(), expected, "{effect:?}");
    }
}

#[tokio::test]
async fn another_write_under_way_is_a_conflict() {
    let rig = Rig::start();
    let storage = rig.probed().await;
    let at = key("a");
    let version = storage.store(&at, b"before").await.unwrap();
    rig.fault(Fault::new(Effect::Conflict).on(Op::PutObject).conditional());
    let condition = Condition::Version(version);
    let error = refused(storage.store_if(&at, b"after", &condition).await, ErrorKind::Conflict);
    assert!(!error.may_have_applied(), "{error:?}");
    storage.store_if(&at, b"after", &condition).await.unwrap();
    assert_eq!(storage.load(&at).await.unwrap(), "after");
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
async fn a_full_server_leaves_the_old_value() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let at = key("a");
    storage.store(&at, b"before").await.unwrap();
    rig.fault(Fault::new(Effect::QuotaExceeded).on(Op::PutObject).always());
    let error = refused(storage.store(&at, b"after").await, ErrorKind::Unavailable);
    assert!(error.to_string().contains("quota"), "{error}");
    assert_eq!(storage.load(&at).await.unwrap(), "before");
}

#[tokio::test]
async fn a_server_without_batches_deletes_one_by_one() {
    let rig = Rig::start();
    let storage = rig.open().await;
    for n in 0..40 {
        storage.store(&key(&format!("dir/{n}")), b"x").await.unwrap();
    }
    // What the server says to a request that it does not know is 501; 403 stands for one that it refuses.
    rig.fault(Fault::new(Effect::QuotaExceeded).on(Op::DeleteObjects));
    refused(storage.delete(&key("dir")).await, ErrorKind::Unavailable);
    storage.delete(&key("dir")).await.unwrap();
    assert!(!storage.exists(&key("dir")).await.unwrap());
}
