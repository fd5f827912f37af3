//! Stamped values beside plain ones.

use certstore_core::{
    Condition, Dir, ErrorKind, Fence, Key, Locker as _, Storage as _, VersionKind,
};

use std::time::Duration;

use certstore_conformance::loopback_s3::{Effect, Fault, Op};
use futures_util::TryStreamExt as _;

use crate::rig::{Rig, key, name, open, refused};

#[tokio::test]
async fn a_stamp_is_in_the_object_and_not_in_the_value() {
    let rig = Rig::start();
    let (plain, stamped) = (rig.open().await, rig.stamped().await);
    assert_eq!(plain.capabilities().version, VersionKind::Content);
    assert_eq!(stamped.capabilities().version, VersionKind::Counter);
    assert_eq!(
        (plain.capabilities().fence, stamped.capabilities().fence),
        (Fence::None, Fence::PerKey)
    );
    let at = key("a");
    stamped.store(&at, b"value").await.unwrap();
    let body = rig.body("p/a").await;
    assert!(body.starts_with(b"valuecertstore-stamp1") && body.len() == 5 + 32, "{body:?}");
    // Whoever does not stamp reads what is stamped, and the other way round.
    for storage in [&plain, &stamped] {
        assert_eq!(storage.load(&at).await.unwrap(), "value");
        assert_eq!(storage.stat(&at).await.unwrap().size, Some(5));
    }
    plain.store(&at, b"plain value").await.unwrap();
    assert_eq!(rig.body("p/a").await, b"plain value");
    for storage in [&plain, &stamped] {
        assert_eq!(storage.load(&at).await.unwrap(), "plain value");
        assert_eq!(storage.stat(&at).await.unwrap().size, Some(11));
    }
}

#[tokio::test]
async fn equal_bytes_do_not_bring_an_old_version_back() {
    let rig = Rig::start();
    let (plain, stamped) = (rig.open().await, rig.stamped().await);
    for (storage, returns) in [(&plain, true), (&stamped, false)] {
        let at = key("a");
        let first = storage.store(&at, b"A").await.unwrap();
        storage.store(&at, b"B").await.unwrap();
        let again = storage.store(&at, b"A").await.unwrap();
        assert_eq!(first == again, returns);
        let late = storage.store_if(&at, b"late", &Condition::Version(first)).await;
        if returns {
            late.unwrap();
        } else {
            refused(late, ErrorKind::Conflict);
        }
    }
}

#[tokio::test]
async fn an_older_holder_is_refused_over_equal_bytes() {
    let rig = Rig::start();
    // With a long lease the first holder does not look at its lock meanwhile: only the fence can stop it.
    let mut config = rig.config();
    config.stamped = true;
    config.lease = Duration::from_secs(600);
    let (old, new) = (open(&config).await, open(&config).await);
    let at = key("a");
    let first = old.lock(&name("job")).await.unwrap();
    old.store_fenced(&at, b"bytes", &first).await.unwrap();
    // The first holder is paused; the lock is broken and another one writes the very same bytes.
    new.break_lock(&name("job"), first.token()).await.unwrap();
    let second = new.lock(&name("job")).await.unwrap();
    new.store_fenced(&at, b"bytes", &second).await.unwrap();
    first.check().unwrap();
    refused(old.store_fenced(&at, b"bytes", &first).await, ErrorKind::Fenced);
    refused(old.delete_fenced(&at, &first).await, ErrorKind::Fenced);
    drop(first);
    assert_eq!(new.load(&at).await.unwrap(), "bytes");
    second.unlock().await.unwrap();
}

#[tokio::test]
async fn without_stamps_a_fenced_write_is_not_offered() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let lock = storage.lock(&name("job")).await.unwrap();
    let error = refused(storage.store_fenced(&key("a"), b"x", &lock).await, ErrorKind::Unsupported);
    assert!(error.to_string().contains("stamped = true"), "{error}");
    assert!(!storage.exists(&key("a")).await.unwrap());
    lock.unlock().await.unwrap();
}

#[tokio::test]
async fn a_fenced_delete_whose_reply_says_no_is_done() {
    let rig = Rig::start();
    let storage = rig.stamped().await;
    let lock = storage.lock(&name("job")).await.unwrap();
    storage.store_fenced(&key("a"), b"x", &lock).await.unwrap();
    let against = Fault::new(Effect::FailAgainstItself).on(Op::DeleteObject).conditional();
    let fault = rig.fault(against.key("p/a"));
    storage.delete_fenced(&key("a"), &lock).await.unwrap();
    assert_eq!(fault.fired(), 1);
    storage.delete_fenced(&key("a"), &lock).await.unwrap();
    lock.unlock().await.unwrap();
}

#[tokio::test]
async fn what_looks_stamped_is_read_by_its_mark() {
    let rig = Rig::start();
    let (plain, stamped) = (rig.open().await, rig.stamped().await);
    stamped.store(&key("a"), b"value").await.unwrap();
    let body = rig.body("p/a").await;
    // Another program has copied the bytes alone.
    rig.put("p/b", &body).await;
    for storage in [&plain, &stamped] {
        let error = refused(storage.load(&key("b")).await, ErrorKind::Corrupt);
        assert!(error.to_string().contains("copied without its metadata"), "{error}");
    }
    // A value that is made so.
    plain.store(&key("c"), &body).await.unwrap();
    for storage in [&plain, &stamped] {
        assert_eq!(storage.load(&key("c")).await.unwrap(), body);
        assert_eq!(storage.stat(&key("c")).await.unwrap().size, Some(body.len() as u64));
        let walked: Vec<_> = storage.walk(&Dir::ROOT).try_collect().await.unwrap();
        for info in walked {
            let stat = storage.stat(&info.key).await.unwrap();
            assert!(info.size.is_none() || info.size == stat.size, "{info:?} {stat:?}");
        }
    }
}

#[tokio::test]
async fn a_fenced_bundle_whose_replies_are_lost_is_recognised() {
    let rig = Rig::start();
    let storage = rig.stamped().await;
    let lock = storage.lock(&name("job")).await.unwrap();
    let (crt, private) = (key("site/a.crt"), key("site/a.key"));
    // The claim, the journal, and each value.
    for effect in [Effect::LoseReply, Effect::FailAgainstItself] {
        for at in 0..4_u64 {
            let value = format!("{effect:?} {at}");
            let against = Fault::new(effect).on(Op::PutObject).conditional().skip(at);
            let fault = rig.fault(against);
            let items: [(&Key, &[u8]); 2] = [(&private, value.as_bytes()), (&crt, b"certificate")];
            storage.store_all_fenced(&items, &lock).await.unwrap();
            assert_eq!(fault.fired(), 1, "{value}");
            let found = storage.load_bundle(&[&private, &crt]).await.unwrap();
            assert_eq!(found, [value.as_str(), "certificate"]);
        }
    }
    assert_eq!(rig.site.objects("p/locks/journal/").await.len(), 0, "a journal was left");
    lock.unlock().await.unwrap();
}
