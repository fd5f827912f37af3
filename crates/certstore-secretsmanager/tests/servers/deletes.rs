//! Deleting and storing again, in both ways, and beside others.

use std::time::Duration;

use certstore_conformance::loopback_secretsmanager::{Effect, Fault, Op};
use certstore_core::{Condition, Dir, ErrorKind, Locker as _, Storage as _};
use certstore_secretsmanager::{Deleting, SecretsManagerStorage};

use crate::rig::{Rig, key, name, open, refused, soon};

async fn of(rig: &Rig, delete: Deleting) -> SecretsManagerStorage {
    let mut config = rig.config();
    config.delete = delete;
    open(&config).await
}

#[tokio::test]
async fn what_is_deleted_can_be_stored_again() {
    for delete in [Deleting::Force, Deleting::Recover] {
        let rig = Rig::start();
        let (storage, other) = (of(&rig, delete).await, of(&rig, delete).await);
        let at = key("a/b");
        for round in 0..4 {
            let value = format!("round {round}");
            let writer = if round % 2 == 0 { &storage } else { &other };
            writer.store(&at, value.as_bytes()).await.unwrap();
            assert_eq!(storage.load(&at).await.unwrap(), value, "{delete:?}");
            assert_eq!(other.load(&at).await.unwrap(), value, "{delete:?}");
            writer.delete(&at).await.unwrap();
            for reader in [&storage, &other] {
                refused(reader.load(&at).await, ErrorKind::NotFound);
                refused(reader.stat(&at).await, ErrorKind::NotFound);
                assert!(!reader.exists(&at).await.unwrap(), "{delete:?}");
            }
            writer.delete(&at).await.expect("nothing is there");
        }
        // Created anew by one who finds it deleted.
        let version = other.store_if(&at, b"created", &Condition::Absent).await.unwrap();
        refused(storage.store_if(&at, b"x", &Condition::Absent).await, ErrorKind::Conflict);
        storage.delete_if(&at, &version).await.unwrap();
        refused(other.delete_if(&at, &version).await, ErrorKind::Conflict);
        other.store_if(&at, b"again", &Condition::Absent).await.unwrap();
        assert_eq!(storage.load(&at).await.unwrap(), "again", "{delete:?}");
    }
}

#[tokio::test]
async fn a_forced_delete_that_takes_its_time_is_waited_for() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let at = key("a");
    storage.store(&at, b"1").await.unwrap();
    rig.server.set_delete_lag(Duration::from_millis(700));
    storage.delete(&at).await.unwrap();
    soon(storage.store(&at, b"2")).await.unwrap();
    assert_eq!(storage.load(&at).await.unwrap(), "2");
    storage.delete(&at).await.unwrap();
    soon(storage.store_if(&at, b"3", &Condition::Absent)).await.unwrap();
    assert_eq!(storage.load(&at).await.unwrap(), "3");

    let mut config = rig.config();
    config.timeout = Duration::from_millis(800);
    let hasty = open(&config).await;
    rig.server.set_delete_lag(Duration::from_secs(60));
    hasty.delete(&at).await.unwrap();
    let error = refused(soon(hasty.store(&at, b"4")).await, ErrorKind::Unavailable);
    assert!(error.to_string().contains("still being deleted"), "{error}");
    refused(hasty.load(&at).await, ErrorKind::NotFound);
}

#[tokio::test]
async fn with_a_window_the_old_value_can_be_had_back_by_hand_but_not_by_accident() {
    let rig = Rig::start();
    let mut config = rig.config();
    config.delete = Deleting::Recover;
    config.recovery_window = 9;
    let storage = open(&config).await;
    let at = key("a");
    storage.store(&at, b"the value").await.unwrap();
    storage.delete(&at).await.unwrap();
    let raw = rig.site.raw();
    let described = raw.describe_secret().secret_id("p/a").send().await.unwrap();
    assert!(described.deleted_date().is_some());
    // Restored: what is current says that it is deleted.
    raw.restore_secret().secret_id("p/a").send().await.unwrap();
    refused(storage.load(&at).await, ErrorKind::NotFound);
    assert!(!storage.exists(&at).await.unwrap());
    assert_eq!(storage.list(&Dir::ROOT, true).await.unwrap(), []);
    let another = open(&config).await;
    refused(another.load(&at).await, ErrorKind::NotFound);
    assert_eq!(another.list(&Dir::ROOT, true).await.unwrap(), []);
    let before = raw.get_secret_value().secret_id("p/a").version_stage("AWSPREVIOUS").send().await;
    assert_eq!(before.unwrap().secret_binary().unwrap().as_ref(), b"the value");
    // And once the window is over, it is gone.
    storage.delete(&at).await.unwrap();
    rig.server.advance(Duration::from_secs(10 * 24 * 60 * 60));
    raw.describe_secret().secret_id("p/a").send().await.unwrap_err();
    storage.store(&at, b"anew").await.unwrap();
    assert_eq!(storage.load(&at).await.unwrap(), "anew");
}

#[tokio::test]
async fn a_store_between_the_two_steps_of_a_delete_stands() {
    let rig = Rig::start();
    let mut config = rig.config();
    config.delete = Deleting::Recover;
    let (storage, other) = (open(&config).await, open(&config).await);
    let at = key("a");
    let version = storage.store(&at, b"1").await.unwrap();
    let wait = Effect::Delay(Duration::from_millis(500));
    let fault = rig.fault(Fault::new(wait).on(Op::DeleteSecret).key("p/a"));
    let deleting = tokio::spawn({
        let (storage, at) = (storage.clone(), at.clone());
        async move { storage.delete_if(&at, &version).await }
    });
    // Once the delete waits, the sign of it is there.
    while fault.fired() == 0 {
        tokio::task::yield_now().await;
    }
    other.store_if(&at, b"2", &Condition::Absent).await.expect("the value is deleted");
    soon(deleting).await.unwrap().expect("it was deleted before");
    for reader in [&storage, &other] {
        assert_eq!(reader.load(&at).await.unwrap(), "2");
    }
    assert!(
        rig.site
            .raw()
            .describe_secret()
            .secret_id("p/a")
            .send()
            .await
            .unwrap()
            .deleted_date()
            .is_none()
    );
}

#[tokio::test]
async fn what_another_program_schedules_is_gone_and_can_be_written() {
    let rig = Rig::start();
    let storage = rig.open().await;
    rig.put("p/a", b"theirs").await;
    rig.site
        .raw()
        .delete_secret()
        .secret_id("p/a")
        .recovery_window_in_days(7)
        .send()
        .await
        .unwrap();
    refused(soon(storage.load(&key("a"))).await, ErrorKind::NotFound);
    assert!(!soon(storage.exists(&key("a"))).await.unwrap());
    soon(storage.store(&key("a"), b"ours")).await.unwrap();
    assert_eq!(storage.load(&key("a")).await.unwrap(), "ours");
    rig.site
        .raw()
        .delete_secret()
        .secret_id("p/a")
        .recovery_window_in_days(7)
        .send()
        .await
        .unwrap();
    soon(storage.store_if(&key("a"), b"again", &Condition::Absent)).await.unwrap();
    assert_eq!(storage.load(&key("a")).await.unwrap(), "again");
}

#[tokio::test]
async fn a_lock_whose_secret_is_scheduled_goes_on() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let first = storage.lock(&name("job")).await.unwrap();
    let token = first.token();
    first.unlock().await.unwrap();
    let raw = rig.site.raw();
    raw.delete_secret().secret_id("p/locks/lease/job").send().await.unwrap();
    let another = rig.open().await;
    let next = soon(another.lock(&name("job"))).await.unwrap();
    assert!(next.token() > token);
    next.unlock().await.unwrap();
}

#[tokio::test]
async fn a_whole_directory_goes() {
    for delete in [Deleting::Force, Deleting::Recover] {
        let rig = Rig::start();
        let storage = of(&rig, delete).await;
        for number in 0..120 {
            storage.store(&key(&format!("d/{}/{number}", number % 7)), b"x").await.unwrap();
        }
        storage.store(&key("d"), b"file").await.unwrap();
        storage.store(&key("dd/x"), b"beside").await.unwrap();
        storage.delete(&key("d")).await.unwrap();
        assert!(!storage.exists(&key("d")).await.unwrap());
        let another = of(&rig, delete).await;
        assert_eq!(another.list(&Dir::ROOT, true).await.unwrap(), [key("dd"), key("dd/x")]);
    }
}
