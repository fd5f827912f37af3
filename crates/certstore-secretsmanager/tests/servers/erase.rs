//! Erasing a storage, beside others that stay.

use certstore_conformance::loopback_secretsmanager::{Effect, Fault, Op};
use certstore_core::{Dir, ErrorKind, Locker as _, Storage as _};
use certstore_secretsmanager::{Deleting, SecretsManagerStorage};

use crate::rig::{Rig, key, name, open};

/// A client of `prefix`, with values, a free lock's record and a held lock.
async fn filled(rig: &Rig, prefix: &str, values: u32) -> SecretsManagerStorage {
    let mut config = rig.site.config(prefix);
    config.delete = Deleting::Recover;
    let storage = open(&config).await;
    for number in 0..values {
        storage.store(&key(&format!("a/{number}")), b"value").await.expect("the test can go on");
    }
    let free = storage.lock(&name("was held")).await.expect("the test can go on");
    free.unlock().await.expect("the test can go on");
    // A holder that has gone without a word.
    std::mem::forget(storage.lock(&name("is held")).await.expect("the test can go on"));
    storage
}

#[tokio::test]
async fn nothing_stays_but_what_the_neighbours_keep() {
    let rig = Rig::start();
    for prefix in ["ab", "b/a"] {
        filled(&rig, prefix, 3).await;
    }
    let before = rig.site.secrets("").await;
    let storage = filled(&rig, "a", 230).await;
    rig.put("a/raw-abcdef", b"foreign").await;
    storage.erase().await.expect("the test can go on");
    storage.erase().await.expect("the test can go on");
    assert_eq!(rig.site.secrets("").await, before);
    assert_eq!(storage.list(&Dir::ROOT, true).await.expect("the test can go on"), []);
    // Another holder of the lock is not waited for.
    storage.try_lock(&name("is held")).await.expect("the test can go on");
}

#[tokio::test]
async fn a_secret_that_only_says_that_it_is_deleted_goes_too() {
    let rig = Rig::start();
    let storage = filled(&rig, "p", 1).await;
    storage.delete(&key("a/0")).await.expect("the test can go on");
    // Taken off its schedule by hand, it would be paid for.
    rig.site.raw().restore_secret().secret_id("p/a/0").send().await.expect("the test can go on");
    let another = open(&rig.config()).await;
    assert_eq!(another.list(&Dir::ROOT, true).await.expect("the test can go on"), []);
    another.erase().await.expect("the test can go on");
    assert_eq!(rig.site.secrets("").await, [""; 0]);
}

#[tokio::test]
async fn a_whole_account_is_not_erased() {
    let rig = Rig::start();
    rig.put("somebody/else", b"1").await;
    for prefix in ["", "/"] {
        let error = open(&rig.site.config(prefix)).await.erase().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
        assert!(error.to_string().contains("set prefix"), "{error}");
    }
    assert_eq!(rig.site.secrets("").await, ["somebody/else"]);
}

#[tokio::test]
async fn what_a_failure_left_goes_with_the_next_try() {
    let rig = Rig::start();
    let storage = filled(&rig, "p", 40).await;
    let fault = rig.fault(Fault::new(Effect::LimitExceeded).on(Op::DeleteSecret).skip(5).times(10));
    let error = storage.erase().await.unwrap_err();
    assert!(fault.fired() == 10 && error.to_string().contains("erase"), "{error}");
    let left = rig.site.secrets("p/").await.len();
    assert!(left > 0 && left < 40, "{left}");
    storage.erase().await.expect("the test can go on");
    assert_eq!(rig.site.secrets("").await, Vec::<String>::new());
}
