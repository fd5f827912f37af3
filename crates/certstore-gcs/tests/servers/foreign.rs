//! Other people's objects among ours.

use certstore_core::{Dir, Storage as _};

use crate::rig::{Rig, key, open};

const FOREIGN: [&str; 9] = [
    "a//b",
    "a/with space",
    "a/b\u{fc}cher",
    "a/control\u{1}",
    "a/100%",
    "a/x~y",
    "dir-marker/",
    "a/..",
    "locks",
];

#[tokio::test]
async fn names_that_are_no_keys_are_left_out_and_told() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let odd = key("a/user+tag@example.com=1");
    storage.store(&odd, b"ours").await.unwrap();
    for name in FOREIGN {
        rig.put(&format!("p/{name}"), b"theirs").await;
    }
    rig.put("other/key", b"outside the prefix").await;
    rig.put("p/locks/lease/x", b"a reserved place").await;

    assert_eq!(storage.list(&Dir::ROOT, true).await.unwrap(), [key("a"), odd.clone()]);
    assert_eq!(storage.list(&Dir::new("a").unwrap(), false).await.unwrap(), [odd]);
    let mut told = storage.foreign(&Dir::ROOT).await.unwrap();
    told.sort();
    let mut expected = FOREIGN.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(told, expected);
    assert!(!storage.exists(&key("dir-marker")).await.unwrap());

    storage.delete(&key("a")).await.unwrap();
    assert!(rig.objects("p/a").await.is_empty(), "a delete of a directory leaves nothing below");
    assert_eq!(rig.body("other/key").await, b"outside the prefix");
}

#[tokio::test]
async fn a_value_and_a_directory_of_one_name_live_side_by_side() {
    let rig = Rig::start();
    let storage = rig.open().await;
    storage.store(&key("a"), b"value").await.unwrap();
    storage.store(&key("a/b"), b"below").await.unwrap();
    storage.store(&key("a-b"), b"neighbour").await.unwrap();
    assert_eq!(storage.load(&key("a")).await.unwrap(), "value");
    assert!(storage.stat(&key("a")).await.unwrap().is_terminal);
    let all = [key("a"), key("a-b"), key("a/b")];
    assert_eq!(storage.list(&Dir::ROOT, true).await.unwrap(), all);
    assert_eq!(storage.list(&Dir::ROOT, false).await.unwrap(), all[..2]);
    storage.delete(&key("a")).await.unwrap();
    assert_eq!(storage.list(&Dir::ROOT, true).await.unwrap(), [key("a-b")]);
}

#[tokio::test]
async fn what_certmagic_gcs_wrote_is_read_and_its_locks_are_seen() {
    // Its object names are its keys and its plain values the bodies; its locks lie among them, empty.
    let rig = Rig::start();
    rig.put("certificates/ca/example.com/example.com.crt", b"-----BEGIN CERTIFICATE-----").await;
    rig.put("issue_cert_example.com.lock", b"").await;
    let storage = open(&rig.site.config("")).await;
    let at = key("certificates/ca/example.com/example.com.crt");
    assert_eq!(storage.load(&at).await.unwrap(), "-----BEGIN CERTIFICATE-----");
    let top = [key("certificates"), key("issue_cert_example.com.lock")];
    assert_eq!(storage.list(&Dir::ROOT, false).await.unwrap(), top);
    storage.store(&at, b"renewed").await.unwrap();
    assert_eq!(rig.body(at.as_str()).await, b"renewed");
}
