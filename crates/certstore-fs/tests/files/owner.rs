//! Run as root on another user's directory.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

use certstore_core::{Locker, Storage};

use crate::common::{key, name, open};

const NOBODY: u32 = 65534;
const GROUP: u32 = 65533;

/// Needs root; anybody else cannot give files away, and is checked to own what they write.
#[tokio::test]
async fn new_files_and_directories_take_the_owner_of_their_directory() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("data");
    fs::create_dir(&root).unwrap();
    let me = fs::metadata(&root).unwrap();
    let owner = if me.uid() == 0 {
        chown(&root, Some(NOBODY), Some(GROUP)).unwrap();
        (NOBODY, GROUP)
    } else {
        (me.uid(), me.gid())
    };
    let storage = open(&root);
    storage.store(&key("a/b/c"), b"1").await.unwrap();
    storage.store(&key("a/b/c"), b"2").await.unwrap();
    storage.store_all(&[(&key("d/x"), b"1")]).await.unwrap();
    let lock = storage.lock(&name("job")).await.unwrap();
    storage.store_fenced(&key("e"), b"1", &lock).await.unwrap();
    let mut seen = Vec::new();
    visit(&root, &mut |path| seen.push(path.to_owned()));
    lock.unlock().await.unwrap();
    assert!(seen.len() > 8, "{seen:?}");
    for path in seen {
        // Of a lock that is refreshed meanwhile, the file of the moment may be gone again.
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        assert_eq!((found.uid(), found.gid()), owner, "{}", path.display());
    }
}

/// A root that is made takes the owner of the directory that it is made in.
#[tokio::test]
async fn a_new_root_takes_the_owner_of_its_parent() {
    let dir = tempfile::tempdir().unwrap();
    let me = fs::metadata(dir.path()).unwrap();
    let owner = if me.uid() == 0 { NOBODY } else { me.uid() };
    if me.uid() == 0 {
        chown(dir.path(), Some(NOBODY), Some(GROUP)).unwrap();
    }
    open(&dir.path().join("x/y"));
    for made in ["x", "x/y"] {
        assert_eq!(fs::metadata(dir.path().join(made)).unwrap().uid(), owner, "{made}");
    }
}

fn visit(dir: &Path, each: &mut impl FnMut(&Path)) {
    each(dir);
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { visit(&path, each) } else { each(&path) }
    }
}
