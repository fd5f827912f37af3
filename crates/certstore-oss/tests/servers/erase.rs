//! Erasing a storage, beside others that stay.

use certstore_conformance::loopback_oss::{Effect, Fault, Op};
use certstore_core::{Dir, ErrorKind, Locker as _, Storage as _};
use certstore_oss::OssStorage;

use crate::rig::{Rig, key, name, open};

/// A client of `prefix`, with values, a free lock's log and a held lock.
async fn filled(rig: &Rig, prefix: &str, values: u32) -> OssStorage {
    let storage = open(&rig.site.config(prefix)).await;
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
    for prefix in ["ab", "b/a", ""] {
        filled(&rig, prefix, 3).await;
    }
    rig.raw().put("a", b"not below the prefix");
    let before = rig.objects("");
    let storage = filled(&rig, "a", 1_100).await;
    rig.raw().put("a/no~key", b"foreign");
    storage.erase().await.expect("the test can go on");
    storage.erase().await.expect("the test can go on");
    // What the storage without a prefix keeps at a/ is the other one's as well.
    let kept: Vec<_> = before.iter().filter(|name| !name.starts_with("a/")).cloned().collect();
    let left: Vec<_> =
        rig.objects("").into_iter().filter(|name| !name.starts_with("a/locks/log/")).collect();
    assert_eq!(left, kept);
    assert_eq!(storage.list(&Dir::ROOT, true).await.expect("the test can go on"), []);
}

#[tokio::test]
async fn a_whole_bucket_is_not_erased() {
    let rig = Rig::start();
    rig.raw().put("somebody/else", b"1");
    for prefix in ["", "/"] {
        let error = open(&rig.site.config(prefix)).await.erase().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
        assert!(error.to_string().contains("set prefix"), "{error}");
    }
    assert_eq!(rig.objects(""), ["somebody/else"]);
}

#[tokio::test]
async fn what_a_failure_left_goes_with_the_next_try() {
    let rig = Rig::start();
    let storage = open(&rig.site.config("p")).await;
    for number in 0..1_500 {
        storage.store(&key(&format!("a/{number}")), b"value").await.expect("the test can go on");
    }
    let lost = Fault::new(Effect::LoseRequest).on(Op::DeleteMultipleObjects).skip(1).times(20);
    let fault = rig.fault(lost);
    let error = storage.erase().await.unwrap_err();
    assert!(fault.fired() > 0 && error.to_string().contains("erase"), "{error}");
    fault.lift();
    let left = rig.objects("p/").len();
    assert!(left > 0 && left < 1_500, "{left}");
    storage.erase().await.expect("the test can go on");
    assert_eq!(rig.objects(""), [""; 0]);
}
