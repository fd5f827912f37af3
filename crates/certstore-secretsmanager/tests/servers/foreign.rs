//! Secrets of other programs: cloudeng's store, and what is no key.

use certstore_core::{Condition, Dir, ErrorKind, Key, Locker as _, Storage as _};

use crate::rig::{Rig, key, name, open};

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
async fn a_bare_name_that_ends_like_an_arn_is_read_and_written_where_it_is() {
    let rig = Rig::start();
    let at = key("example.xn--fiqs8s");
    rig.put(at.as_str(), b"theirs").await;
    let storage = open(&rig.site.config("")).await;
    let found = storage.load_versioned(&at).await.unwrap();
    assert_eq!(found.value, "theirs");
    assert_eq!(storage.stat(&at).await.unwrap().version.as_ref(), Some(&found.version));
    assert!(storage.exists(&at).await.unwrap());
    assert_eq!(storage.list(&Dir::ROOT, true).await.unwrap(), std::slice::from_ref(&at));
    assert!(storage.foreign(&Dir::ROOT).await.unwrap().is_empty());

    // Written where the other program looks for it, under its version, plainly and under a lock.
    let refused = storage.store_if(&at, b"x", &Condition::Absent).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    storage.store_if(&at, b"ours", &Condition::Version(found.version)).await.unwrap();
    storage.store(&at, b"plain").await.unwrap();
    let lock = storage.lock(&name("job")).await.unwrap();
    storage.store_fenced(&at, b"fenced", &lock).await.unwrap();
    lock.unlock().await.unwrap();
    let raw = rig.site.raw();
    let read = raw.get_secret_value().secret_id(at.as_str()).send().await.unwrap();
    assert_eq!(read.secret_binary().unwrap().as_ref(), b"fenced");
    assert_eq!(rig.site.secrets("example").await, [at.as_str()]);

    // Deleted it is gone, and then stored it has our own name.
    storage.delete(&at).await.unwrap();
    assert!(!storage.exists(&at).await.unwrap());
    storage.store(&at, b"anew").await.unwrap();
    assert_eq!(rig.site.secrets("example").await, ["example.xn--fiqs8s.escape."]);
    // One that comes beside it is shadowed, told once, and goes with it.
    rig.put(at.as_str(), b"late").await;
    let another = open(&rig.site.config("")).await;
    assert_eq!(another.load(&at).await.unwrap(), "anew");
    assert_eq!(another.list(&Dir::ROOT, true).await.unwrap(), std::slice::from_ref(&at));
    another.delete(&at).await.unwrap();
    assert!(!another.exists(&at).await.unwrap());
    assert_eq!(rig.site.secrets("example").await, [""; 0]);
}

#[tokio::test]
async fn names_that_are_no_keys_are_told_and_left_alone() {
    let rig = Rig::start();
    for secret in ["p/a", "p/b//c", "p/d/", "p/e.", "p/raw.escape.", "q/a"] {
        rig.put(secret, b"x").await;
    }
    let storage = rig.open().await;
    assert_eq!(storage.list(&Dir::ROOT, true).await.unwrap(), [key("a")]);
    let mut foreign = storage.foreign(&Dir::ROOT).await.unwrap();
    foreign.sort_unstable();
    assert_eq!(foreign, ["b//c", "d/", "e.", "raw.escape."]);
    assert!(!storage.exists(&key("b")).await.unwrap());
}
