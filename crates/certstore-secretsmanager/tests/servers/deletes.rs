//! Deleting and storing again, in both ways, and beside others.

use std::time::Duration;

use certstore_conformance::loopback_secretsmanager::{ArmedFault, Effect, Fault, Op};
use certstore_core::{Condition, Dir, ErrorKind, Locker as _, Storage as _};
use certstore_secretsmanager::{Deleting, SecretsManagerStorage};

use crate::rig::{Rig, key, name, open, refused, soon};

async fn of(rig: &Rig, delete: Deleting) -> SecretsManagerStorage {
    let mut config = rig.config();
    config.delete = delete;
    open(&config).await
}

/// Waits until the request is there that the fault is for.
async fn struck(fault: &ArmedFault) {
    soon(async {
        while fault.fired() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
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
    let fault = rig.fault(Fault::new(Effect::Hold).on(Op::DeleteSecret).key("p/a"));
    let deleting = tokio::spawn({
        let (storage, at) = (storage.clone(), at.clone());
        async move { storage.delete_if(&at, &version).await }
    });
    // Once the delete waits, the sign of it is there.
    struck(&fault).await;
    other.store_if(&at, b"2", &Condition::Absent).await.expect("the value is deleted");
    rig.server.release();
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

/// A delete, and a value that another client stores between its two steps, before `then`.
async fn overtaken(
    rig: &Rig,
    then: impl FnOnce(),
) -> (tokio::task::JoinHandle<()>, SecretsManagerStorage) {
    let mut config = rig.config();
    (config.delete, config.retries) = (Deleting::Recover, 0);
    let (storage, other) = (open(&config).await, open(&config).await);
    let version = storage.store(&key("a"), b"1").await.expect("it stores");
    let fault = rig.fault(Fault::new(Effect::Hold).on(Op::DeleteSecret).key("p/a"));
    let deleting = tokio::spawn(async move {
        storage.delete_if(&key("a"), &version).await.expect("it is deleted");
    });
    struck(&fault).await;
    other.store_if(&key("a"), b"2", &Condition::Absent).await.expect("the value is deleted");
    then();
    rig.server.release();
    (deleting, other)
}

/// Waits until the value is the one that was stored.
async fn comes_back(other: &SecretsManagerStorage) {
    soon(async {
        while other.load(&key("a")).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(other.load(&key("a")).await.expect("it is there"), "2");
}

#[tokio::test]
async fn a_delete_that_nobody_waits_for_gives_back_what_was_stored_meanwhile() {
    let rig = Rig::start();
    let look = Fault::new(Effect::Hold).on(Op::DescribeSecret);
    let mut armed = None;
    let (deleting, other) = overtaken(&rig, || armed = Some(rig.fault(look))).await;
    let armed = armed.unwrap();
    // The secret is scheduled, and what follows is about to be looked at.
    struck(&armed).await;
    deleting.abort();
    rig.server.release();
    comes_back(&other).await;
}

#[tokio::test]
async fn a_delete_whose_look_fails_or_lags_gives_back_what_was_stored_meanwhile() {
    let rig = Rig::start();
    let refusals = Fault::new(Effect::Throttle).on(Op::DescribeSecret).times(3);
    let (deleting, other) = overtaken(&rig, || drop(rig.fault(refusals))).await;
    soon(deleting).await.unwrap();
    comes_back(&other).await;

    let rig = Rig::start();
    let lag = Duration::from_millis(150);
    let (deleting, other) = overtaken(&rig, || rig.server.set_read_delay(lag)).await;
    soon(deleting).await.unwrap();
    rig.server.set_read_delay(Duration::ZERO);
    comes_back(&other).await;
}

#[tokio::test]
async fn a_delete_without_its_second_step_is_done_for_everybody() {
    let rig = Rig::start();
    let mut config = rig.config();
    config.delete = Deleting::Recover;
    let (storage, other) = (open(&config).await, open(&config).await);
    let (at, below) = (key("d/a"), Dir::new("d").unwrap());
    storage.store(&at, b"1").await.unwrap();
    // Its process is killed before the secret is scheduled.
    let fault = rig.fault(Fault::new(Effect::Hold).on(Op::DeleteSecret).always());
    let deleting = tokio::spawn({
        let (storage, at) = (storage.clone(), at.clone());
        async move { storage.delete(&at).await }
    });
    struck(&fault).await;
    refused(other.load(&at).await, ErrorKind::NotFound);
    refused(other.stat(&at).await, ErrorKind::NotFound);
    assert!(!other.exists(&at).await.unwrap() && !other.exists(&key("d")).await.unwrap());
    refused(other.list(&below, true).await, ErrorKind::NotFound);
    other.store_if(&at, b"2", &Condition::Absent).await.unwrap();
    assert_eq!(other.load(&at).await.unwrap(), "2");
    deleting.abort();
}

#[tokio::test]
async fn a_store_that_meets_the_second_step_of_a_delete_finds_nothing_there() {
    let rig = Rig::start();
    let (storage, other) = (rig.open().await, rig.open().await);
    let at = key("a");
    let version = storage.store(&at, b"1").await.unwrap();
    let second = rig.fault(Fault::new(Effect::Hold).on(Op::DeleteSecret).key("p/a"));
    let deleting = tokio::spawn({
        let (storage, at) = (storage.clone(), at.clone());
        async move { storage.delete_if(&at, &version).await }
    });
    struck(&second).await;
    // The new version is there, and is about to become the value.
    let moving = rig.fault(Fault::new(Effect::Hold).on(Op::UpdateSecretVersionStage).conditional());
    let storing = tokio::spawn({
        let (other, at) = (other.clone(), at.clone());
        async move { other.store_if(&at, b"2", &Condition::Absent).await }
    });
    struck(&moving).await;
    // By another way than the one that is held, so that it is scheduled before the move.
    let raw = rig.site.raw();
    raw.delete_secret().secret_id("p/a").recovery_window_in_days(7).send().await.unwrap();
    rig.server.release();
    soon(storing).await.unwrap().expect("nothing is stored there");
    soon(deleting).await.unwrap().unwrap();
    assert_eq!(other.load(&at).await.unwrap(), "2");
}

/// A secret of another program, scheduled for deletion by it.
async fn scheduled(rig: &Rig) {
    rig.put("p/a", b"theirs").await;
    let raw = rig.site.raw();
    let delete = raw.delete_secret().secret_id("p/a").recovery_window_in_days(7);
    delete.send().await.expect("the server deletes");
}

#[tokio::test]
async fn a_store_that_fails_does_not_bring_back_what_was_deleted() {
    for absent in [false, true] {
        let rig = Rig::start();
        let storage = rig.open().await;
        scheduled(&rig).await;
        // Over the schedule a plain store has put once in vain.
        let fault = Fault::new(Effect::LimitExceeded).on(Op::PutSecretValue);
        let fault = rig.fault(fault.skip(u64::from(!absent)).always());
        let stored = if absent {
            soon(storage.store_if(&key("a"), b"ours", &Condition::Absent)).await
        } else {
            soon(storage.store(&key("a"), b"ours")).await
        };
        refused(stored, ErrorKind::Other);
        assert!(fault.fired() > 0);
        let described = rig.site.raw().describe_secret().secret_id("p/a").send().await.unwrap();
        assert!(described.deleted_date().is_some(), "{absent}");
        refused(soon(storage.load(&key("a"))).await, ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn a_store_that_is_dropped_after_the_restore_is_still_written() {
    let rig = Rig::start();
    let storage = rig.open().await;
    scheduled(&rig).await;
    let fault = rig.fault(Fault::new(Effect::Hold).on(Op::PutSecretValue).skip(1));
    let storing = tokio::spawn({
        let storage = storage.clone();
        async move { storage.store(&key("a"), b"2").await }
    });
    struck(&fault).await;
    storing.abort();
    rig.server.release();
    soon(async {
        while storage.load(&key("a")).await.is_ok_and(|value| value != "2") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(storage.load(&key("a")).await.unwrap(), "2");
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
