//! Secrets of other programs: cloudeng's store, and what is no key.

use certstore_core::{Condition, Dir, Key, Storage as _};

use crate::rig::{Rig, key, open};

#[tokio::test]
async fn what_cloudengs_store_has_written_is_read() {
    let rig = Rig::start();
    // It names secrets as its cache does, without a prefix, and writes bytes; text by hand is read too.
    for secret in ["example.com", "example.com+rsa", "acme_account+key"] {
        rig.put(secret, format!("bytes of {secret}").as_bytes()).await;
    }
    let raw = rig.site.raw();
    raw.create_secret().name("by-hand.example").secret_string("text").send().await.unwrap();
    raw.create_secret().name("without.a.value").send().await.unwrap();
    let storage = open(&rig.site.config("")).await;
    for at in ["example.com", "example.com+rsa", "acme_account+key"] {
        let found = storage.load_versioned(&key(at)).await.unwrap();
        assert_eq!(found.value, format!("bytes of {at}"));
        let stat = storage.stat(&key(at)).await.unwrap();
        assert_eq!(stat.version, Some(found.version));
        assert!(stat.modified.is_some());
    }
    assert_eq!(storage.load(&key("by-hand.example")).await.unwrap(), "text");
    assert!(!storage.exists(&key("without.a.value")).await.unwrap());
    let all = storage.list(&Dir::ROOT, true).await.unwrap();
    let all: Vec<&str> = all.iter().map(Key::as_str).collect();
    assert_eq!(all, ["acme_account+key", "by-hand.example", "example.com", "example.com+rsa"]);

    // Written over, it is read by the other side again.
    let version = storage.load_versioned(&key("example.com")).await.unwrap().version;
    storage.store_if(&key("example.com"), b"renewed", &Condition::Version(version)).await.unwrap();
    let read = raw.get_secret_value().secret_id("example.com").send().await.unwrap();
    assert_eq!(read.secret_binary().unwrap().as_ref(), b"renewed");
    storage.store_if(&key("without.a.value"), b"first", &Condition::Absent).await.unwrap();
    assert_eq!(storage.load(&key("without.a.value")).await.unwrap(), "first");
    storage.store(&key("by-hand.example"), b"bytes").await.unwrap();
    let read = raw.get_secret_value().secret_id("by-hand.example").send().await.unwrap();
    assert_eq!(read.secret_binary().unwrap().as_ref(), b"bytes");
}

#[tokio::test]
async fn names_that_are_no_keys_are_told_and_left_alone() {
    let rig = Rig::start();
    for secret in ["p/a", "p/b//c", "p/d/", "p/e.", "p/raw-abcdef", "q/a"] {
        rig.put(secret, b"x").await;
    }
    let storage = rig.open().await;
    assert_eq!(storage.list(&Dir::ROOT, true).await.unwrap(), [key("a")]);
    let mut foreign = storage.foreign(&Dir::ROOT).await.unwrap();
    foreign.sort_unstable();
    assert_eq!(foreign, ["b//c", "d/", "e.", "raw-abcdef"]);
    assert!(!storage.exists(&key("b")).await.unwrap());
}
