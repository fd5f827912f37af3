//! Locks: between clients, over a lost record, and told where others wait.

use std::time::Duration;

use certstore_core::{Condition, ErrorKind, Locker as _, Storage as _};

use crate::rig::{Rig, key, name, open, refused, soon};

#[tokio::test]
async fn one_at_a_time_among_several_clients() {
    let rig = Rig::start();
    let (one, other) = (rig.open().await, rig.open().await);
    let held = one.lock(&name("job")).await.unwrap();
    assert!(other.try_lock(&name("job")).await.unwrap().is_none());
    let waiter = tokio::spawn(async move { other.lock(&name("job")).await });
    tokio::task::yield_now().await;
    let token = held.token();
    held.unlock().await.unwrap();
    let next = soon(waiter).await.unwrap().unwrap();
    assert!(next.token() > token);
    next.unlock().await.unwrap();
}

#[tokio::test]
async fn a_record_that_was_removed_is_made_anew_with_a_higher_token() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let first = storage.lock(&name("job")).await.unwrap();
    let token = first.token();
    first.unlock().await.unwrap();
    let raw = rig.site.raw();
    let gone =
        raw.delete_secret().secret_id("p/locks/lease/job").force_delete_without_recovery(true);
    gone.send().await.unwrap();
    let next = soon(rig.open().await.lock(&name("job"))).await.unwrap();
    assert!(next.token() > token);
    next.unlock().await.unwrap();
}

#[tokio::test]
async fn a_damaged_record_is_told() {
    let rig = Rig::start();
    let storage = rig.open().await;
    storage.lock(&name("job")).await.unwrap().unlock().await.unwrap();
    let raw = rig.site.raw();
    let put = raw.put_secret_value().secret_id("p/locks/lease/job");
    put.secret_string("nonsense").send().await.unwrap();
    let error = refused(soon(rig.open().await.lock(&name("job"))).await, ErrorKind::Corrupt);
    assert!(error.to_string().contains("lock record"), "{error}");
}

#[tokio::test]
async fn an_empty_secret_in_place_of_a_record_is_taken() {
    let rig = Rig::start();
    let (storage, other) = (rig.open().await, rig.open().await);
    rig.site.raw().create_secret().name("p/locks/lease/job").send().await.unwrap();
    let held = soon(storage.lock(&name("job"))).await.unwrap();
    assert!(other.try_lock(&name("job")).await.unwrap().is_none());
    held.unlock().await.unwrap();
    soon(other.lock(&name("job"))).await.unwrap().unlock().await.unwrap();
}

#[tokio::test]
async fn a_fenced_write_is_told_from_a_plain_one_by_every_client() {
    let rig = Rig::start();
    let (one, other) = (rig.open().await, rig.open().await);
    let at = key("a");
    let lock = one.lock(&name("job")).await.unwrap();
    one.store_fenced(&at, b"fenced", &lock).await.unwrap();
    let version = other.load_versioned(&at).await.unwrap().version;
    assert_eq!(version.as_str().len(), 64, "{version}");
    other.store_if(&at, b"plain", &Condition::Version(version)).await.unwrap();
    one.store_fenced(&at, b"fenced again", &lock).await.unwrap();
    assert_eq!(other.load(&at).await.unwrap(), "fenced again");
    one.delete_fenced(&at, &lock).await.unwrap();
    assert!(!other.exists(&at).await.unwrap());
    one.store_fenced(&at, b"over the deleted", &lock).await.unwrap();
    assert_eq!(other.load(&at).await.unwrap(), "over the deleted");
    lock.unlock().await.unwrap();
}

#[tokio::test]
async fn a_dead_holders_lock_is_taken_over_after_its_lease() {
    let rig = Rig::start();
    let mut config = rig.config();
    config.lease = Duration::from_millis(600);
    let dead = open(&config).await;
    let runtime = std::thread::spawn({
        let config = config.clone();
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime starts");
            let lock = runtime.block_on(async { open(&config).await.lock(&name("job")).await });
            std::mem::forget(lock.expect("nobody holds it"));
            // Its runtime ends here, and with it the renewals.
        }
    });
    runtime.join().expect("the holder dies");
    assert!(dead.try_lock(&name("job")).await.unwrap().is_none());
    soon(dead.lock(&name("job"))).await.unwrap().unlock().await.unwrap();
}
