//! Values, while the server or the way to it fails.

use std::time::{Duration, Instant};

use certstore_conformance::loopback_gcs::{Effect, Fault, Op};
use certstore_core::{Condition, Dir, ErrorKind, Locker as _, Storage as _};

use crate::rig::{Rig, key, name, open, refused, soon};

#[tokio::test]
async fn reads_and_plain_writes_are_sent_again() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let at = key("a");
    for effect in [
        Effect::LoseRequest,
        Effect::LoseReply,
        Effect::InternalError,
        Effect::InternalErrorAfter,
        Effect::ServiceUnavailable,
        Effect::TooManyRequests,
    ] {
        for op in
            [Op::InsertObject, Op::ReadObject, Op::GetObject, Op::ListObjects, Op::DeleteObject]
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
async fn a_conditional_write_is_sent_once_and_its_lost_reply_is_recognised() {
    let rig = Rig::start();
    let storage = rig.probed().await;
    let at = key("a");
    for (effect, applied) in [
        (Effect::LoseRequest, false),
        (Effect::LoseReply, true),
        (Effect::InternalError, false),
        (Effect::InternalErrorAfter, true),
        (Effect::ServiceUnavailable, false),
        (Effect::FailAgainstItself, true),
    ] {
        let version = storage.store(&at, b"before").await.unwrap();
        rig.server.clear_requests();
        let fault = rig.fault(Fault::new(effect).on(Op::InsertObject).conditional());
        let stored = storage.store_if(&at, b"after", &Condition::Version(version)).await;
        assert_eq!(
            (fault.fired(), rig.server.requests().of(Op::InsertObject)),
            (1, 1),
            "{effect:?}"
        );
        let found = storage.load_versioned(&at).await.unwrap();
        if applied {
            assert_eq!(stored.unwrap(), found.version, "{effect:?}");
            assert_eq!(found.value, "after", "{effect:?}");
        } else {
            let error = refused(stored, ErrorKind::Unavailable);
            assert!(error.may_have_applied() && error.is_retryable(), "{effect:?}: {error:?}");
            assert_eq!(found.value, "before", "{effect:?}");
        }
    }
}

#[tokio::test]
async fn somebody_elses_write_is_not_taken_for_our_own() {
    let rig = Rig::start();
    let (storage, other) = (rig.probed().await, rig.probed().await);
    let at = key("a");
    let version = storage.store(&at, b"before").await.unwrap();
    // The reply is lost; before it is looked for, another client has written over it.
    rig.fault(Fault::new(Effect::LoseReply).on(Op::InsertObject).conditional());
    let delay = Effect::Delay(Duration::from_millis(400));
    let reading = rig.fault(Fault::new(delay).on(Op::GetObject));
    let condition = Condition::Version(version);
    let storing = storage.store_if(&at, b"ours", &condition);
    let overwriting = async {
        while reading.fired() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        other.store(&at, b"theirs").await
    };
    let (stored, overwritten) = tokio::join!(storing, overwriting);
    overwritten.unwrap();
    assert!(refused(stored, ErrorKind::Unavailable).may_have_applied());
    assert_eq!(storage.load(&at).await.unwrap(), "theirs");
}

#[tokio::test]
async fn a_conditional_delete_is_sent_once() {
    let rig = Rig::start();
    let storage = rig.probed().await;
    let at = key("a");
    for effect in [Effect::LoseRequest, Effect::LoseReply, Effect::InternalError] {
        let version = storage.store(&at, b"value").await.unwrap();
        rig.server.clear_requests();
        rig.fault(Fault::new(effect).on(Op::DeleteObject).conditional());
        let error = refused(storage.delete_if(&at, &version).await, ErrorKind::Unavailable);
        assert!(error.may_have_applied(), "{effect:?}");
        assert_eq!(rig.server.requests().of(Op::DeleteObject), 1, "{effect:?}");
        let gone = !storage.exists(&at).await.unwrap();
        assert_eq!(gone, effect == Effect::LoseReply, "{effect:?}");
    }
}

#[tokio::test]
async fn a_fenced_write_is_done_whatever_the_reply_says() {
    let rig = Rig::start();
    let storage = rig.probed().await;
    let lock = storage.lock(&name("job")).await.unwrap();
    for effect in [Effect::LoseReply, Effect::FailAgainstItself, Effect::InternalErrorAfter] {
        let fault = rig.fault(Fault::new(effect).on(Op::InsertObject).key("p/a"));
        let version = storage.store_fenced(&key("a"), b"x", &lock).await.unwrap();
        assert_eq!(fault.fired(), 1, "{effect:?}");
        assert_eq!(storage.load_versioned(&key("a")).await.unwrap().version, version);
    }
    let against = Fault::new(Effect::FailAgainstItself).on(Op::DeleteObject).conditional();
    let fault = rig.fault(against.key("p/a"));
    storage.delete_fenced(&key("a"), &lock).await.unwrap();
    assert_eq!(fault.fired(), 1);
    storage.delete_fenced(&key("a"), &lock).await.unwrap();
    lock.unlock().await.unwrap();
}

#[tokio::test]
async fn a_slow_server_is_not_waited_for() {
    let rig = Rig::start();
    let mut config = rig.config();
    config.timeout = Duration::from_millis(300);
    let storage = open(&config).await;
    let at = key("a");
    storage.store(&at, b"value").await.unwrap();
    for op in [Op::ReadObject, Op::GetObject, Op::InsertObject] {
        let fault = rig.fault(Fault::new(Effect::Delay(Duration::from_secs(5))).on(op).always());
        let started = Instant::now();
        let error = match op {
            Op::ReadObject => refused(soon(storage.load(&at)).await, ErrorKind::Unavailable),
            Op::GetObject => refused(soon(storage.stat(&at)).await, ErrorKind::Unavailable),
            _ => refused(soon(storage.store(&at, b"late")).await, ErrorKind::Unavailable),
        };
        assert_eq!(error.may_have_applied(), op == Op::InsertObject, "{error:?}");
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
    let fault = rig.fault(Fault::new(Effect::TruncateBody).on(Op::ReadObject));
    assert_eq!(storage.load(&at).await.unwrap(), value);
    assert_eq!(fault.fired(), 1);
    rig.fault(Fault::new(Effect::TruncateBody).on(Op::ReadObject).always());
    refused(soon(storage.load(&at)).await, ErrorKind::Unavailable);
}

#[tokio::test]
async fn many_values_come_in_order_each_with_its_own_result() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let keys: Vec<_> = (0..40).map(|n| key(&format!("a/{n}"))).collect();
    for at in keys.iter().skip(1) {
        storage.store(at, at.as_str().as_bytes()).await.unwrap();
    }
    let loaded = storage.load_many(&keys.iter().collect::<Vec<_>>()).await;
    assert_eq!(loaded.len(), keys.len());
    for (at, loaded) in keys.iter().zip(loaded) {
        match at.as_str() {
            "a/0" => assert_eq!(loaded.unwrap_err().kind(), ErrorKind::NotFound),
            text => assert_eq!(loaded.unwrap(), text),
        }
    }
}

#[tokio::test]
async fn the_longest_key_is_looked_for_and_deleted() {
    let rig = Rig::start();
    let storage = open(&rig.site.config(&"p".repeat(23))).await;
    let at =
        key(&["x".repeat(199), "x".repeat(200), "x".repeat(200), "x".repeat(200), "x".repeat(197)]
            .join("/"));
    assert_eq!(at.as_str().len(), 1_000);
    assert!(!storage.exists(&at).await.unwrap());
    storage.store(&at, b"value").await.unwrap();
    assert!(storage.exists(&at).await.unwrap());
    storage.delete(&at).await.unwrap();
    assert!(!storage.exists(&at).await.unwrap());
}

/// A bundle of two values, of which the writer's death has left the first one new and the journal.
async fn half_a_bundle(rig: &Rig) {
    let storage = rig.open().await;
    let (a, b) = (key("d/e/a"), key("d/e/b"));
    storage.store_all(&[(&a, b"old"), (&b, b"old")]).await.expect("the server answers");
    let fault =
        rig.fault(Fault::new(Effect::LoseRequest).on(Op::InsertObject).key("*/e/b").times(3));
    storage.store_all(&[(&a, b"new"), (&b, b"new")]).await.expect_err("it is lost");
    assert_eq!(fault.fired(), 3);
    assert_eq!(rig.objects("p/locks/journal/").await.len(), 1);
}

#[tokio::test]
async fn a_delete_of_a_directory_that_breaks_off_leaves_no_half_of_a_bundle() {
    let rig = Rig::start();
    half_a_bundle(&rig).await;
    let storage = rig.open().await;
    let (a, b) = (key("d/e/a"), key("d/e/b"));
    let fault =
        rig.fault(Fault::new(Effect::InternalError).on(Op::DeleteObject).key("p/d*").always());
    storage.delete(&key("d")).await.unwrap_err();
    assert!(fault.fired() > 0);
    assert_eq!(storage.load_bundle(&[&a, &b]).await.unwrap(), ["new", "new"]);
    fault.lift();
    storage.delete(&key("d")).await.unwrap();
    for place in ["p/d", "p/locks/journal/"] {
        assert_eq!(rig.objects(place).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_journal_that_cannot_be_read_goes_with_its_directory() {
    let rig = Rig::start();
    rig.put("p/d/a", b"value").await;
    rig.put("p/locks/journal/d/~", b"damaged").await;
    rig.open().await.delete(&key("d")).await.unwrap();
    assert_eq!(rig.objects("").await, [""; 0]);
}
