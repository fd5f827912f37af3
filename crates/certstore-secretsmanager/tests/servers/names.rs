//! Names that the service could misread, and names at the edges of what it allows.

use certstore_core::{Condition, Dir, Locker as _, Storage as _};

use crate::rig::{Rig, key, name};

#[tokio::test]
async fn a_name_that_ends_like_an_arn_is_kept_in_another_form() {
    let rig = Rig::start();
    let storage = rig.open().await;
    for at in ["foo-abcdef", "example.xn--fiqs8s", "d/x-123456", "d/x-12345", "d/x-1234567"] {
        storage.store(&key(at), at.as_bytes()).await.unwrap();
    }
    assert_eq!(
        rig.site.secrets("").await,
        [
            "p/d/x-12345",
            "p/d/x-123456.escape.",
            "p/d/x-1234567",
            "p/example.xn--fiqs8s.escape.",
            "p/foo-abcdef.escape."
        ]
    );
    let another = rig.open().await;
    let all = another.list(&Dir::ROOT, true).await.unwrap();
    let names: Vec<&str> = all.iter().map(|key| key.as_str()).collect();
    assert_eq!(
        names,
        ["d", "d/x-12345", "d/x-123456", "d/x-1234567", "example.xn--fiqs8s", "foo-abcdef"]
    );
    for at in &all[1..] {
        assert_eq!(another.load(at).await.unwrap(), at.as_str());
    }
    another.delete(&key("foo-abcdef")).await.unwrap();
    assert!(!storage.exists(&key("foo-abcdef")).await.unwrap());
    storage.store_if(&key("foo-abcdef"), b"anew", &Condition::Absent).await.unwrap();
    assert!(another.foreign(&Dir::ROOT).await.unwrap().is_empty());
}

#[tokio::test]
async fn locks_and_journals_have_names_of_their_own() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let mut held = Vec::new();
    for lock in ["job-abcdef", "*.b\u{fc}cher.example", "a/b", ".."] {
        held.push(storage.lock(&name(lock)).await.unwrap());
    }
    let both = [key("site-abcdef/a"), key("site-abcdef/b")];
    storage.store_all(&[(&both[0], b"1"), (&both[1], b"2")]).await.unwrap();
    assert_eq!(
        rig.site.secrets("p/locks/").await,
        [
            "p/locks/lease/=2A.b=C3=BCcher.example",
            "p/locks/lease/=2E=2E",
            "p/locks/lease/a=2Fb",
            "p/locks/lease/job-abcdef.escape.",
        ]
    );
    let shown: Vec<String> =
        rig.open().await.locks().await.unwrap().into_iter().map(|lock| lock.name).collect();
    assert_eq!(shown, ["*.b\u{fc}cher.example", "..", "a/b", "job-abcdef"]);
    for lock in held {
        lock.unlock().await.unwrap();
    }
}

#[tokio::test]
async fn a_name_is_a_value_and_a_directory() {
    let rig = Rig::start();
    let storage = rig.open().await;
    for at in ["x-abcdef", "x-abcdef/below"] {
        storage.store(&key(at), at.as_bytes()).await.unwrap();
    }
    assert_eq!(storage.list(&Dir::ROOT, false).await.unwrap(), [key("x-abcdef")]);
    assert!(storage.stat(&key("x-abcdef")).await.unwrap().is_terminal);
    storage.delete(&key("x-abcdef")).await.unwrap();
    assert_eq!(rig.site.secrets("").await, [""; 0]);
}
