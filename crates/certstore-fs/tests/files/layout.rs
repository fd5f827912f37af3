//! What lies in the directory, and what other programs do there.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use certstore_core::{Condition, Dir, ErrorKind, Fence, Key, Locker, Storage, VersionKind};
use futures_util::TryStreamExt;

use crate::common::{dir, key, name, names, open, storage};

#[tokio::test]
async fn files_and_directories_are_their_owners_alone() {
    let (root, storage) = storage();
    storage.store(&key("a/b/c"), b"1").await.unwrap();
    storage.store_all(&[(&key("d/x"), b"1"), (&key("d/y"), b"2")]).await.unwrap();
    let mut seen = 0;
    for path in ["a", "a/b", "d", "locks"] {
        assert_eq!(mode(&root.path().join(path)), 0o700, "{path}");
    }
    for path in ["a/b/c", "d/x", "d/y"] {
        assert_eq!(mode(&root.path().join(path)), 0o600, "{path}");
    }
    for stripe in names(&root.path().join("locks")) {
        assert_eq!(mode(&root.path().join("locks").join(&stripe)), 0o600, "{stripe}");
        seen += 1;
    }
    assert!(seen > 0, "no stripe was there to look at");
}

#[tokio::test]
async fn a_store_leaves_nothing_beside_the_value() {
    let (root, storage) = storage();
    storage.store(&key("a/b"), b"1").await.unwrap();
    storage.store(&key("a/b"), b"2").await.unwrap();
    storage.store_all(&[(&key("a/b"), b"3"), (&key("a/c"), b"3")]).await.unwrap();
    assert_eq!(names(&root.path().join("a")), ["b", "c"]);
}

#[tokio::test]
async fn a_rewrite_in_place_is_another_version_and_clears_the_stamp() {
    let (root, storage) = storage();
    assert_eq!(
        storage.capabilities().version,
        VersionKind::Counter,
        "this test needs extended attributes"
    );
    assert_eq!(storage.capabilities().fence, Fence::Strict);
    let lock = storage.lock(&name("job")).await.unwrap();
    let at = key("a/b");
    let ours = storage.store_fenced(&at, b"one", &lock).await.unwrap();
    assert_eq!(storage.stat(&at).await.unwrap().version.as_ref(), Some(&ours));

    // As CertMagic 0.17.2 stores: open, truncate, write; the attribute stays on the file.
    let path = root.path().join("a/b");
    let inode = fs::metadata(&path).unwrap().ino();
    fs::write(&path, b"two").unwrap();
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode);

    let found = storage.load_versioned(&at).await.unwrap();
    assert_eq!(&found.value[..], b"two");
    assert_ne!(found.version, ours);
    assert_eq!(storage.stat(&at).await.unwrap().version, Some(found.version.clone()));
    let stale = storage.store_if(&at, b"3", &Condition::Version(ours.clone())).await.unwrap_err();
    assert_eq!(stale.kind(), ErrorKind::Conflict);
    assert_eq!(storage.delete_if(&at, &ours).await.unwrap_err().kind(), ErrorKind::Conflict);
    storage.store_if(&at, b"3", &Condition::Version(found.version)).await.unwrap();
    lock.unlock().await.unwrap();
}

#[tokio::test]
async fn a_rewrite_in_place_with_the_same_size_and_time_is_found_by_its_bytes() {
    let (root, storage) = storage();
    let at = key("a");
    let ours = storage.store(&at, b"one").await.unwrap();
    let path = root.path().join("a");
    let written = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, b"two").unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(written).unwrap();
    let found = storage.load_versioned(&at).await.unwrap();
    assert_ne!(found.version, ours);
    let stale = storage.store_if(&at, b"3", &Condition::Version(ours)).await.unwrap_err();
    assert_eq!(stale.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_value_of_another_program_has_a_version_too() {
    let (root, storage) = storage();
    fs::write(root.path().join("a"), b"go").unwrap();
    let found = storage.load_versioned(&key("a")).await.unwrap();
    assert_eq!(storage.stat(&key("a")).await.unwrap().version, Some(found.version.clone()));
    storage.store_if(&key("a"), b"ours", &Condition::Version(found.version)).await.unwrap();
    assert_eq!(&storage.load(&key("a")).await.unwrap()[..], b"ours");
}

#[tokio::test]
async fn equal_bytes_never_bring_a_version_back() {
    let (_root, storage) = storage();
    let at = key("a");
    let first = storage.store(&at, b"same").await.unwrap();
    storage.delete(&at).await.unwrap();
    let second = storage.store(&at, b"same").await.unwrap();
    assert_ne!(first, second);
}

#[tokio::test]
async fn an_older_holder_is_fenced_by_a_newer_one_that_only_acquired() {
    let (root, storage) = storage();
    let other = open(root.path());
    let old = storage.lock(&name("job")).await.unwrap();
    storage.store_fenced(&key("a"), b"old", &old).await.unwrap();
    storage.break_lock(&name("job"), old.token()).await.unwrap();
    let new = other.lock(&name("job")).await.unwrap();
    let late = storage.store_fenced(&key("b"), b"late", &old).await.unwrap_err();
    assert!(matches!(late.kind(), ErrorKind::Fenced | ErrorKind::LockLost), "{late:?}");
    assert!(!storage.exists(&key("b")).await.unwrap());
    let late = storage.delete_fenced(&key("a"), &old).await.unwrap_err();
    assert!(matches!(late.kind(), ErrorKind::Fenced | ErrorKind::LockLost), "{late:?}");
    other.store_fenced(&key("a"), b"new", &new).await.unwrap();
    new.unlock().await.unwrap();
}

#[tokio::test]
async fn directories_without_values_are_not_there() {
    let (root, storage) = storage();
    fs::create_dir_all(root.path().join("empty/below")).unwrap();
    storage.store(&key("a/b/c"), b"1").await.unwrap();
    storage.delete(&key("a/b/c")).await.unwrap();
    assert!(root.path().join("a/b").is_dir(), "CertMagic leaves it too");
    for gone in ["empty", "empty/below", "a", "a/b"] {
        assert!(!storage.exists(&key(gone)).await.unwrap(), "{gone}");
        assert_eq!(
            storage.stat(&key(gone)).await.unwrap_err().kind(),
            ErrorKind::NotFound,
            "{gone}"
        );
        for recursive in [false, true] {
            let listed = storage.list(&dir(gone), recursive).await;
            assert_eq!(listed.unwrap_err().kind(), ErrorKind::NotFound, "{gone}");
        }
    }
    assert_eq!(storage.list(&Dir::ROOT, true).await.unwrap(), []);
    assert_eq!(storage.list(&Dir::ROOT, false).await.unwrap(), []);
    storage.store(&key("a"), b"now a value").await.unwrap();
    storage.store(&key("empty"), b"too").await.unwrap();
}

#[tokio::test]
async fn a_value_is_not_stored_over_a_directory_in_use() {
    let (root, storage) = storage();
    storage.store(&key("a/b/c"), b"1").await.unwrap();
    fs::create_dir(root.path().join("foreign")).unwrap();
    fs::write(root.path().join("foreign/no key!"), "").unwrap();
    for (at, kept) in
        [("a", "a/b/c"), ("a/b", "a/b/c"), ("a/b/c/d", "a/b/c"), ("foreign", "foreign/no key!")]
    {
        assert_eq!(
            storage.store(&key(at), b"2").await.unwrap_err().kind(),
            ErrorKind::Conflict,
            "{at}"
        );
        assert!(root.path().join(kept).is_file(), "{at}");
    }
    assert_eq!(names(root.path()), ["a", "foreign", "locks"]);
    assert_eq!(names(&root.path().join("a/b")), ["c"]);
}

#[tokio::test]
async fn foreign_names_are_left_out_and_told() {
    let (root, storage) = storage();
    storage.store(&key("a/b"), b"1").await.unwrap();
    let at = |path: &str| root.path().join(path);
    for foreign in ["a/b~", "a/no key", "dot.", "a/.#lock:1"] {
        fs::write(at(foreign), "").unwrap();
    }
    fs::write(at("a/.b~1-0123456789abcdef.tmp"), "being written").unwrap();
    fs::write(at("a/.~journal"), "").unwrap();
    symlink("b", at("a/link")).unwrap();
    fs::create_dir(at("bad dir")).unwrap();
    fs::write(at("bad dir/value"), "").unwrap();
    assert_eq!(storage.list(&Dir::ROOT, true).await.unwrap(), [key("a"), key("a/b")]);
    assert_eq!(storage.list(&dir("a"), false).await.unwrap(), [key("a/b")]);
    let walked: Vec<_> =
        storage.walk(&Dir::ROOT).map_ok(|info| info.key).try_collect().await.unwrap();
    assert_eq!(walked, [key("a"), key("a/b")]);
    assert_eq!(
        storage.foreign(&Dir::ROOT).await.unwrap(),
        ["a/.#lock:1", "a/b~", "a/link", "a/no key", "bad dir", "dot."]
    );
    storage.delete(&key("a")).await.unwrap();
    assert_eq!(names(root.path()), ["bad dir", "dot.", "locks"]);
}

#[tokio::test]
async fn links_are_not_followed_by_any_operation() {
    let (root, storage) = storage();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "s").unwrap();
    symlink(outside.path(), root.path().join("out")).unwrap();
    symlink(outside.path().join("secret"), root.path().join("file")).unwrap();
    for at in [key("out/secret"), key("file")] {
        assert_eq!(storage.load(&at).await.unwrap_err().kind(), ErrorKind::Other, "{at}");
        assert_eq!(storage.stat(&at).await.unwrap_err().kind(), ErrorKind::Other, "{at}");
        assert_eq!(storage.exists(&at).await.unwrap_err().kind(), ErrorKind::Other, "{at}");
    }
    for at in [key("out/secret"), key("out/new")] {
        assert_eq!(storage.store(&at, b"x").await.unwrap_err().kind(), ErrorKind::Other, "{at}");
        assert_eq!(storage.delete(&at).await.unwrap_err().kind(), ErrorKind::Other, "{at}");
    }
    assert_eq!(storage.list(&dir("out"), true).await.unwrap_err().kind(), ErrorKind::Other);
    // What lies at the key itself is replaced or removed, never what it points to.
    storage.store(&key("file"), b"own").await.unwrap();
    assert_eq!(&storage.load(&key("file")).await.unwrap()[..], b"own");
    storage.delete(&key("out")).await.unwrap();
    assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"s");
    assert_eq!(names(outside.path()), ["secret"]);
    assert_eq!(names(root.path()), ["file", "locks"]);
}

#[tokio::test]
async fn a_deleted_root_is_a_fault_and_not_an_empty_storage() {
    let (root, storage) = storage();
    storage.store(&key("a"), b"1").await.unwrap();
    root.close().unwrap();
    for error in [
        storage.load(&key("a")).await.unwrap_err(),
        storage.exists(&key("a")).await.unwrap_err(),
        storage.stat(&key("a")).await.unwrap_err(),
        storage.list(&Dir::ROOT, true).await.unwrap_err(),
        storage.list(&dir("a"), false).await.unwrap_err(),
        storage.store(&key("a"), b"2").await.unwrap_err(),
        storage.store(&key("a/b"), b"2").await.unwrap_err(),
        storage.delete(&key("a")).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(error.to_string().contains("deleted"), "{error}");
    }
}

#[tokio::test]
async fn old_temporary_files_go_with_the_next_store() {
    let (root, storage) = storage();
    fs::create_dir(root.path().join("a")).unwrap();
    let left = |name: &str, age: u64| {
        let file = fs::File::create(root.path().join("a").join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    };
    left(".dead~1f-0123456789abcdef.tmp", 3700);
    left(".live~1f-0123456789abcdef.tmp", 3000);
    storage.store(&key("a/b"), b"1").await.unwrap();
    assert_eq!(names(&root.path().join("a")), [".live~1f-0123456789abcdef.tmp", "b"]);
    assert_eq!(storage.list(&Dir::ROOT, true).await.unwrap(), [key("a"), key("a/b")]);
    storage.delete(&key("a")).await.unwrap();
    assert_eq!(names(root.path()), ["locks"]);
}

#[tokio::test]
async fn lists_and_walks_are_in_the_order_of_whole_keys() {
    let (_root, storage) = storage();
    // '-' and '.' sort before '/', and '0' after it.
    let stored = ["a/x", "a/x-1/y", "a/x.y", "a-b/z", "a.c", "a0/q", "a/x0"];
    let stored: Vec<Key> =
        stored.iter().map(|at| key(at)).filter(|at| at.as_str() != "a/x").collect();
    for at in &stored {
        storage.store(at, b"1").await.unwrap();
    }
    storage.store(&key("a/x/deep/v"), b"1").await.unwrap();
    let listed = storage.list(&Dir::ROOT, true).await.unwrap();
    let mut sorted = listed.clone();
    sorted.sort_by(|one, other| one.as_str().as_bytes().cmp(other.as_str().as_bytes()));
    assert_eq!(listed, sorted);
    assert_eq!(
        listed.len(),
        stored.len() + 1 + ["a", "a-b", "a/x", "a/x-1", "a/x/deep", "a0"].len()
    );
    let walked: Vec<_> = storage.walk(&Dir::ROOT).try_collect().await.unwrap();
    assert_eq!(
        walked.iter().map(|info| &info.key).collect::<Vec<_>>(),
        listed.iter().collect::<Vec<_>>()
    );
    for info in walked {
        assert_eq!(storage.stat(&info.key).await.unwrap(), info);
    }
}

#[tokio::test]
async fn long_lists_and_walks_are_complete_and_alike() {
    let (root, storage) = storage();
    // More directories than one thread lists, over three levels, some without values.
    for n in 0..1000 {
        let at = root.path().join(format!("top{}/d{}", n % 3, n % 97));
        fs::create_dir_all(at.join(format!("empty{n}"))).unwrap();
        fs::create_dir_all(at.join("deep/er")).unwrap();
        fs::write(at.join(format!("v{n}")), b"1").unwrap();
        if n % 5 == 0 {
            fs::write(at.join(format!("deep/er/v{n}")), b"1").unwrap();
        }
    }
    fs::create_dir_all(root.path().join("nothing/here")).unwrap();
    let walked: Vec<_> =
        storage.walk(&Dir::ROOT).map_ok(|info| info.key).try_collect().await.unwrap();
    let listed = storage.list(&Dir::ROOT, true).await.unwrap();
    assert_eq!(listed, walked);
    assert!(listed.is_sorted());
    let directories = listed.iter().filter(|key| root.path().join(key.as_str()).is_dir()).count();
    assert_eq!(listed.len() - directories, 1200);
    assert_eq!(storage.list(&dir("top1"), true).await.unwrap().len(), {
        listed.iter().filter(|key| key.as_str().starts_with("top1/")).count()
    });
    assert_eq!(
        storage.list(&Dir::ROOT, false).await.unwrap(),
        [key("top0"), key("top1"), key("top2")]
    );
}

#[tokio::test]
async fn a_missing_directory_is_one_error_of_a_walk() {
    let (_root, storage) = storage();
    storage.store(&key("value"), b"1").await.unwrap();
    for (at, found) in [
        ("missing", Some(ErrorKind::NotFound)),
        ("value/below", Some(ErrorKind::NotFound)),
        ("value", None),
    ] {
        let walked: Result<Vec<_>, _> = storage.walk(&dir(at)).try_collect().await;
        assert_eq!(walked.err().map(|error| error.kind()), found, "{at}");
        let listed = storage.list(&dir(at), true).await;
        assert_eq!(listed.err().map(|error| error.kind()), found, "{at}");
    }
}

#[tokio::test]
async fn an_interrupted_bundle_is_seen_whole_and_finished_by_the_next() {
    let (root, storage) = storage();
    let (cert, private) = (key("d/crt"), key("d/key"));
    storage.store_all(&[(&private, b"k1"), (&cert, b"c1")]).await.unwrap();
    assert_eq!(storage.load_bundle(&[&private, &cert]).await.unwrap(), ["k1", "c1"]);
    assert_eq!(names(&root.path().join("d")), ["crt", "key"]);
    let twice = storage.store_all(&[(&cert, b"1"), (&cert, b"2")]).await.unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::InvalidKey);
    let apart = storage.store_all(&[(&cert, b"1"), (&key("e/key"), b"2")]).await.unwrap_err();
    assert_eq!(apart.kind(), ErrorKind::InvalidKey);
}

#[tokio::test(flavor = "multi_thread")]
async fn bundles_of_one_directory_never_mix() {
    let (root, storage) = storage();
    let writers = (0..4_u8).map(|writer| {
        let (storage, other) = (storage.clone(), open(root.path()));
        tokio::spawn(async move {
            for round in 0..10_u8 {
                let value = [writer, round];
                let storage = if round % 2 == 0 { &storage } else { &other };
                storage
                    .store_all(&[(&key("d/key"), &value), (&key("d/crt"), &value)])
                    .await
                    .unwrap();
                let pair = storage.load_bundle(&[&key("d/key"), &key("d/crt")]).await.unwrap();
                assert_eq!(pair[0], pair[1]);
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_vanishes_is_made_again() {
    let (_root, storage) = storage();
    let deleting = {
        let storage = storage.clone();
        tokio::spawn(async move {
            for _ in 0..100 {
                storage.delete(&key("a")).await.unwrap();
            }
        })
    };
    for round in 0..100_u8 {
        storage.store(&key("a/b/c"), &[round]).await.unwrap();
    }
    deleting.await.unwrap();
    storage.store(&key("a/b/c"), b"last").await.unwrap();
    assert_eq!(&storage.load(&key("a/b/c")).await.unwrap()[..], b"last");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}
