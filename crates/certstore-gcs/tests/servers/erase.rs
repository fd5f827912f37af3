//! Erasing a storage, beside others that stay.

use certstore_conformance::loopback_gcs::{Effect, Fault, Op};
use certstore_core::{Dir, ErrorKind, Locker as _, Storage as _};
use certstore_gcs::GcsStorage;

use crate::rig::{Rig, key, name, open};

/// A client of `prefix`, with values, a free lock's record and a held lock.
async fn filled(rig: &Rig, prefix: &str, values: u32) -> GcsStorage {
    let storage = open(&rig.site.config(prefix)).await;
    for number in 0..values {
        storage.store(&key(&format!("a/{number}")), b"value").await.expect("the test can go on");
    }
    storage
        .lock(&name("was held"))
        .await
        .expect("the test can go on")
        .unlock()
        .await
        .expect("the test can go on");
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
    rig.put("a", b"not below the prefix").await;
    let before = rig.objects("").await;
    let storage = filled(&rig, "a", 1_100).await;
    rig.put("a/ no key", b"foreign").await;
    storage.erase().await.expect("the test can go on");
    storage.erase().await.expect("the test can go on");
    // What the storage without a prefix keeps at a/ is the other one's as well.
    let kept: Vec<_> = before.iter().filter(|name| !name.starts_with("a/")).cloned().collect();
    assert_eq!(rig.objects("").await, kept);
    assert_eq!(storage.list(&Dir::ROOT, true).await.expect("the test can go on"), []);
}

#[tokio::test]
async fn a_whole_bucket_is_not_erased() {
    let rig = Rig::start();
    rig.put("somebody/else", b"1").await;
    for prefix in ["", "/"] {
        let error = open(&rig.site.config(prefix)).await.erase().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
        assert!(error.to_string().contains("set prefix"), "{error}");
    }
    assert_eq!(rig.objects("").await, ["somebody/else"]);
}

#[tokio::test]
async fn what_a_failure_left_goes_with_the_next_try() {
    let rig = Rig::start();
    let storage = filled(&rig, "p", 400).await;
    let fault =
        rig.fault(Fault::new(Effect::InternalError).on(Op::DeleteObject).skip(100).always());
    let error = storage.erase().await.unwrap_err();
    assert!(fault.fired() > 0 && error.to_string().contains("erase"), "{error}");
    fault.lift();
    let left = rig.objects("p/").await.len();
    assert!(left > 0 && left < 400, "{left}");
    storage.erase().await.expect("the test can go on");
    assert_eq!(rig.objects("").await, Vec::<String>::new());
}
