//! Lists that lag by minutes, and reads that lag by moments.

use std::time::Duration;

use certstore_conformance::loopback_secretsmanager::Op;
use certstore_core::{Dir, ErrorKind, Locker as _, Storage as _};
use futures_util::TryStreamExt as _;

use crate::rig::{Rig, key, name, refused, soon};

const MINUTES: Duration = Duration::from_secs(300);

#[tokio::test]
async fn a_client_lists_its_own_writes_at_once_and_others_later() {
    let rig = Rig::start();
    rig.server.set_list_delay(MINUTES);
    let (writer, reader) = (rig.open().await, rig.open().await);
    for at in ["d/a", "d/b", "d/e/f"] {
        writer.store(&key(at), b"x").await.unwrap();
    }
    writer.delete(&key("d/b")).await.unwrap();
    let (dir, all) = (Dir::new("d").unwrap(), [key("d/a"), key("d/e"), key("d/e/f")]);
    assert_eq!(writer.list(&dir, true).await.unwrap(), all);
    assert!(
        writer.exists(&key("d/e")).await.unwrap() && !writer.exists(&key("d/b")).await.unwrap()
    );
    assert!(!writer.stat(&key("d/e")).await.unwrap().is_terminal);
    let walked: Vec<_> = writer.walk(&Dir::ROOT).try_collect().await.unwrap();
    assert_eq!(walked.len(), 4);

    // Single values are seen by all, what follows from lists is not.
    assert_eq!(reader.load(&key("d/a")).await.unwrap(), "x");
    assert!(reader.stat(&key("d/e/f")).await.unwrap().is_terminal);
    refused(reader.list(&dir, true).await, ErrorKind::NotFound);
    assert!(!reader.exists(&key("d")).await.unwrap());

    rig.server.advance(MINUTES);
    assert_eq!(reader.list(&dir, true).await.unwrap(), all);
    assert!(reader.exists(&key("d/e")).await.unwrap());
    assert_eq!(writer.list(&dir, true).await.unwrap(), all);
}

#[tokio::test]
async fn what_was_deleted_is_not_listed_although_the_service_still_does() {
    let rig = Rig::start();
    let (writer, reader) = (rig.open().await, rig.open().await);
    for at in ["d/a", "d/b", "e/c"] {
        writer.store(&key(at), b"x").await.unwrap();
    }
    rig.server.advance(MINUTES);
    rig.server.set_list_delay(MINUTES);
    writer.delete(&key("d")).await.unwrap();
    assert_eq!(writer.list(&Dir::ROOT, true).await.unwrap(), [key("e"), key("e/c")]);
    assert!(!writer.exists(&key("d")).await.unwrap());
    assert_eq!(reader.list(&Dir::ROOT, true).await.unwrap().len(), 5);
    // But a load is never wrong by a list.
    refused(reader.load(&key("d/a")).await, ErrorKind::NotFound);
    assert!(!reader.exists(&key("d/a")).await.unwrap());
    rig.server.advance(MINUTES);
    assert_eq!(reader.list(&Dir::ROOT, true).await.unwrap(), [key("e"), key("e/c")]);
}

#[tokio::test]
async fn what_was_broken_off_is_asked_about() {
    let rig = Rig::start();
    rig.server.set_list_delay(MINUTES);
    let storage = rig.open().await;
    // Dropped in the middle of the request: it may have been stored.
    let at = key("d/dropped");
    let wait =
        certstore_conformance::loopback_secretsmanager::Effect::DelayReply(Duration::from_secs(5));
    let fault = certstore_conformance::loopback_secretsmanager::Fault::new(wait);
    let armed = rig.fault(fault.on(Op::CreateSecret).key("p/d/dropped"));
    let store = tokio::time::timeout(Duration::from_millis(500), storage.store(&at, b"x"));
    store.await.expect_err("the reply does not come");
    assert_eq!(armed.fired(), 1);
    assert_eq!(storage.list(&Dir::new("d").unwrap(), false).await.unwrap(), [at]);
}

#[tokio::test]
async fn own_locks_are_shown_at_once() {
    let rig = Rig::start();
    rig.server.set_list_delay(MINUTES);
    let storage = rig.open().await;
    let held = storage.lock(&name("job")).await.unwrap();
    let locks = storage.locks().await.unwrap();
    assert_eq!(locks.len(), 1);
    assert_eq!((locks[0].name.as_str(), locks[0].token), ("job", Some(held.token())));
    held.unlock().await.unwrap();
    assert_eq!(storage.locks().await.unwrap(), []);
}

#[tokio::test]
async fn a_read_that_shows_what_was_before_an_own_write_is_asked_again() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let at = key("a");
    storage.store(&at, b"1").await.unwrap();
    // Reads lag by a moment that is over before the last look.
    let lag = Duration::from_millis(120);
    rig.server.set_read_delay(lag);
    for round in 0..3 {
        let value = format!("round {round}");
        let version = storage.store(&at, value.as_bytes()).await.unwrap();
        assert_eq!(soon(storage.load(&at)).await.unwrap(), value);
        assert_eq!(soon(storage.stat(&at)).await.unwrap().version, Some(version));
    }
    storage.delete(&at).await.unwrap();
    refused(soon(storage.load(&at)).await, ErrorKind::NotFound);
    storage.store(&key("new"), b"new").await.unwrap();
    assert!(soon(storage.exists(&key("new"))).await.unwrap());

    // One that lags for longer is believed after a few looks.
    rig.server.set_read_delay(Duration::from_secs(60));
    rig.server.clear_requests();
    storage.store(&at, b"late").await.unwrap();
    drop(soon(storage.load(&at)).await);
    assert_eq!(rig.server.requests().of(Op::GetSecretValue), 4);
}
