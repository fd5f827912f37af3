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
        assert_eq!((fault.fired(), rig.server.requests().of(Op::PutObject)), (1, 1), "{effect:?}");
        if applied {
            // The object says whose write it is.
            stored.unwrap_or_else(|error| panic!("{effect:?}: {error:?}"));
        } else {
            let error = refused(stored, ErrorKind::Unavailable);
            assert!(error.may_have_applied() && error.is_retryable(), "{effect:?}: {error:?}");
        }
        let expected = if applied { "after" } else { "before" };
        assert_eq!(storage.load(&at).await.unwrap(), expected, "{effect:?}");
    }
}

#[tokio::test]
async fn another_write_under_way_says_nothing_about_the_condition() {
    let rig = Rig::start();
    let storage = rig.probed().await;
    let at = key("a");
    let version = storage.store(&at, b"before").await.unwrap();
    let condition = Condition::Version(version);
    let busy = rig.fault(Fault::new(Effect::Conflict).on(Op::PutObject).conditional().always());
    let error = refused(storage.store_if(&at, b"after", &condition).await, ErrorKind::Unavailable);
    assert!(!error.may_have_applied(), "{error:?}");
    busy.lift();
    let busy = rig.fault(Fault::new(Effect::Conflict).on(Op::PutObject).conditional());
    let version = storage.store_if(&at, b"after", &condition).await.unwrap();
    assert_eq!(storage.load(&at).await.unwrap(), "after");
    assert_eq!(busy.fired(), 1);
    let busy = rig.fault(Fault::new(Effect::Conflict).on(Op::DeleteObject).conditional());
    storage.delete_if(&at, &version).await.unwrap();
    assert_eq!(busy.fired(), 1);
}

#[tokio::test]
async fn why_a_head_is_refused_is_asked_for() {
    let rig = Rig::start();
    let storage = rig.open().await;
    storage.store(&key("a"), b"value").await.unwrap();
    for (effect, words) in [
        (Effect::TokenExpired, "have expired; get new ones"),
        (Effect::ClockSkewed, "set the clock"),
        (Effect::Denied, "allow s3:GetObject on"),
    ] {
        let fault = rig.fault(Fault::new(effect).always());
        let error = refused(storage.stat(&key("a")).await, ErrorKind::PermissionDenied);
        assert!(error.to_string().contains(words), "{effect:?}: {error}");
        assert_eq!(fault.fired(), 2, "{effect:?}");
        fault.lift();
    }
    // A proxy that refuses, and only this: nothing tells why.
    let fault = rig.fault(Fault::new(Effect::TokenExpired).on(Op::HeadObject).always());
    let error = refused(storage.stat(&key("a")).await, ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("without saying why"), "{error}");
    assert_eq!(fault.fired(), 1);
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
async fn stamped_writes_are_sent_again_with_another_stamp() {
    let rig = Rig::start();
    let storage = rig.stamped().await;
    for effect in [Effect::LoseRequest, Effect::LoseReply, Effect::InternalErrorAfter] {
        rig.server.clear_requests();
        let fault = rig.fault(Fault::new(effect).on(Op::PutObject));
        let stored = storage.store(&key("a"), b"value").await.unwrap();
        assert_eq!((fault.fired(), rig.server.requests().of(Op::PutObject)), (1, 2), "{effect:?}");
        let loaded = storage.load_versioned(&key("a")).await.unwrap();
        assert_eq!((loaded.value.as_ref(), loaded.version), (&b"value"[..], stored));
    }
    rig.fault(Fault::new(Effect::LoseReply).on(Op::PutObject).always());
    let error = refused(storage.store(&key("a"), b"other").await, ErrorKind::Unavailable);
    assert!(error.may_have_applied(), "{error:?}");
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
    let fault = rig.fault(Fault::new(Effect::QuotaExceeded).on(Op::PutObject).key("*/e/b"));
    storage.store_all(&[(&a, b"new"), (&b, b"new")]).await.expect_err("it is refused");
    assert_eq!(fault.fired(), 1);
    assert_eq!(rig.site.objects("p/locks/journal/").await.len(), 1);
}

#[tokio::test]
async fn a_delete_of_a_directory_that_breaks_off_leaves_no_half_of_a_bundle() {
    let rig = Rig::start();
    half_a_bundle(&rig).await;
    let storage = rig.open().await;
    let (a, b) = (key("d/e/a"), key("d/e/b"));
    let fault = rig.fault(Fault::new(Effect::LoseRequest).on(Op::DeleteObjects).always());
    storage.delete(&key("d")).await.unwrap_err();
    assert!(fault.fired() > 0);
    assert_eq!(storage.load_bundle(&[&a, &b]).await.unwrap(), ["new", "new"]);
    fault.lift();
    storage.delete(&key("d")).await.unwrap();
    for place in ["p/d", "p/locks/journal/"] {
        assert_eq!(rig.site.objects(place).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_journal_that_cannot_be_read_goes_with_its_directory() {
    let rig = Rig::start();
    rig.put("p/d/a", b"value").await;
    rig.put("p/locks/journal/d/~", b"damaged").await;
    rig.open().await.delete(&key("d")).await.unwrap();
    assert_eq!(rig.site.objects("").await, [""; 0]);
}
