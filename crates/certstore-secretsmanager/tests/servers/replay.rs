//! Lost replies and requests that arrive twice: every write takes effect once.

use certstore_conformance::loopback_secretsmanager::{Effect, Fault, Op};
use certstore_core::{Condition, ErrorKind, Locker as _, Storage as _};

use crate::rig::{Rig, key, name, refused, soon};

#[tokio::test]
async fn a_store_whose_reply_is_lost_is_sent_again_as_the_same() {
    for effect in
        [Effect::LoseReply, Effect::InternalErrorAfter, Effect::LoseRequest, Effect::TruncateBody]
    {
        let rig = Rig::start();
        let storage = rig.open().await;
        let at = key("a");
        for op in [Op::CreateSecret, Op::PutSecretValue] {
            let fault = rig.fault(
                Fault::new(effect).on(op).key("p/a").skip(u64::from(op == Op::PutSecretValue)),
            );
            // The first store asks by a put whether the secret is there.
            fault.lift();
            let fault = rig.fault(Fault::new(effect).on(op).key("p/a"));
            let version = soon(storage.store(&at, b"value")).await.unwrap();
            assert_eq!(fault.fired(), 1, "{effect:?} {op}");
            let found = storage.load_versioned(&at).await.unwrap();
            assert_eq!((&*found.value, found.version), (&b"value"[..], version), "{effect:?} {op}");
        }
        assert_eq!(rig.versions("p/a").await, 2, "{effect:?}");
    }
}

#[tokio::test]
async fn a_conditional_store_recognises_its_own_write() {
    for effect in
        [Effect::LoseReply, Effect::InternalErrorAfter, Effect::LoseRequest, Effect::InternalError]
    {
        let rig = Rig::start();
        let storage = rig.open().await;
        let at = key("a");
        let version = storage.store(&at, b"1").await.unwrap();
        let fault = rig.fault(Fault::new(effect).on(Op::UpdateSecretVersionStage).key("p/a"));
        let stored = soon(storage.store_if(&at, b"2", &Condition::Version(version.clone()))).await;
        let stored = stored.unwrap_or_else(|error| panic!("{effect:?}: {error:?}"));
        assert_eq!(fault.fired(), 1);
        let found = storage.load_versioned(&at).await.unwrap();
        assert_eq!((&*found.value, found.version), (&b"2"[..], stored), "{effect:?}");
        let late = storage.store_if(&at, b"3", &Condition::Version(version)).await;
        refused(late, ErrorKind::Conflict);
        assert_eq!(rig.labels("p/a").await, ["AWSCURRENT", "AWSPREVIOUS"], "{effect:?}");
    }
}

#[tokio::test]
async fn a_create_recognises_its_own_write() {
    for effect in [Effect::LoseReply, Effect::InternalErrorAfter, Effect::LoseRequest] {
        let rig = Rig::start();
        let storage = rig.open().await;
        let fault = rig.fault(Fault::new(effect).on(Op::CreateSecret));
        soon(storage.store_if(&key("a"), b"1", &Condition::Absent)).await.unwrap();
        assert_eq!(fault.fired(), 1);
        refused(storage.store_if(&key("a"), b"2", &Condition::Absent).await, ErrorKind::Conflict);
        assert_eq!(storage.load(&key("a")).await.unwrap(), "1");
    }
}

#[tokio::test]
async fn a_refused_condition_leaves_no_label() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let at = key("a");
    let old = storage.store(&at, b"1").await.unwrap();
    storage.store(&at, b"2").await.unwrap();
    for _ in 0..30 {
        let late = storage.store_if(&at, b"3", &Condition::Version(old.clone())).await;
        refused(late, ErrorKind::Conflict);
    }
    assert_eq!(rig.labels("p/a").await, ["AWSCURRENT", "AWSPREVIOUS"]);
    assert_eq!(storage.load(&at).await.unwrap(), "2");
}

#[tokio::test]
async fn labels_of_writes_that_were_broken_off_are_removed() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let at = key("a");
    storage.store(&at, b"1").await.unwrap();
    let raw = rig.site.raw();
    // Left by clients that were killed an hour ago, until no label is free.
    for number in 0..18 {
        let label = format!("certstore-cas-1700000000-{number:032x}");
        let put = raw.put_secret_value().secret_id("p/a").version_stages(label).secret_string("x");
        put.send().await.unwrap();
    }
    assert_eq!(rig.labels("p/a").await.len(), 19);
    let version = storage.store(&at, b"2").await.unwrap();
    assert_eq!(rig.labels("p/a").await.len(), 20);
    soon(storage.store_if(&at, b"3", &Condition::Version(version))).await.unwrap();
    assert_eq!(rig.labels("p/a").await, ["AWSCURRENT", "AWSPREVIOUS"]);
    assert_eq!(storage.load(&at).await.unwrap(), "3");
}

#[tokio::test]
async fn a_lock_recognises_its_own_write() {
    for effect in [Effect::LoseReply, Effect::InternalErrorAfter, Effect::LoseRequest] {
        for (op, skip) in [
            (Op::CreateSecret, 0),
            (Op::PutSecretValue, 0),
            (Op::UpdateSecretVersionStage, 0),
            (Op::UpdateSecretVersionStage, 1),
        ] {
            let rig = Rig::start();
            let storage = rig.open().await;
            let fault = rig.fault(Fault::new(effect).on(op).skip(skip));
            for _ in 0..2 {
                let lock = soon(storage.lock(&name("job"))).await.unwrap();
                soon(lock.unlock()).await.unwrap();
            }
            assert_eq!(fault.fired(), 1, "{effect:?} {op} {skip}");
        }
    }
}

#[tokio::test]
async fn two_that_lock_first_exclude_each_other() {
    let rig = Rig::start();
    let mut clients = Vec::new();
    for _ in 0..8 {
        clients.push(rig.open().await);
    }
    for round in 0..10 {
        let job = name(&format!("job {round}"));
        let tries = clients.iter().map(|client| client.try_lock(&job));
        let held: Vec<_> = soon(futures_util::future::join_all(tries))
            .await
            .into_iter()
            .filter_map(|tried| tried.unwrap())
            .collect();
        assert_eq!(held.len(), 1, "{round}");
    }
}
