use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use certstore_core::{FencingToken, OsRandom};

use super::{LocksDir, Names, PeerFile, Replaced, Shared};
use crate::lock::manual_clock::Manual;
use crate::root::Root;

struct Fixture {
    _folder: tempfile::TempDir,
    path: PathBuf,
    clock: Arc<Manual>,
    peer: PeerFile,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Manual::new());
        let root = Arc::new(Root::open(folder.path(), false, clock.clone()).unwrap());
        let dir = LocksDir::open(&root).unwrap();
        let names = Arc::new(Names::of(&"job".parse().unwrap()));
        let shared = Arc::new(Shared::new(root, clock.clone(), Arc::new(OsRandom)));
        let peer = PeerFile::place(&shared, &dir, &names, FencingToken(7)).unwrap().unwrap();
        assert!(
            PeerFile::place(&shared, &dir, &names, FencingToken(8)).unwrap().is_none(),
            "taken"
        );
        Self { path: folder.path().join("locks/job.lock"), _folder: folder, clock, peer }
    }

    fn inode(&self) -> u64 {
        fs::metadata(&self.path).unwrap().ino()
    }

    /// What a Go process does that takes over.
    fn replace_by_go(&self) {
        fs::remove_file(&self.path).unwrap();
        fs::write(&self.path, "Go's").unwrap();
    }

    fn files(&self) -> usize {
        fs::read_dir(self.path.parent().unwrap()).unwrap().count()
    }
}

#[test]
fn a_refresh_in_time_puts_a_new_file_in_place() {
    let mut files = Fixture::new();
    let (inode, body) = (files.inode(), fs::read(&files.path).unwrap());
    files.clock.go(5);
    assert!(files.peer.refresh().unwrap() && files.peer.is_proven());
    assert_ne!(files.inode(), inode);
    assert_ne!(fs::read(&files.path).unwrap(), body);
    assert_eq!(files.files(), 1, "nothing is left over");
}

#[test]
fn a_late_refresh_writes_over_our_own_file_alone() {
    let mut files = Fixture::new();
    let (inode, body) = (files.inode(), fs::read(&files.path).unwrap());
    files.clock.go(8);
    assert!(!files.peer.is_proven());
    assert!(files.peer.refresh().unwrap() && files.peer.is_proven());
    assert_eq!(files.inode(), inode);
    let refreshed = fs::read(&files.path).unwrap();
    assert!(refreshed != body && refreshed.len() == body.len());
}

#[test]
fn a_takeover_in_the_middle_of_a_late_refresh_is_seen() {
    let mut files = Fixture::new();
    files.clock.go(9);
    let path = files.path.clone();
    files.clock.after_next_look(move || {
        fs::remove_file(&path).unwrap();
        fs::write(&path, "Go's").unwrap();
    });
    assert!(!files.peer.refresh().unwrap());
    assert_eq!(fs::read_to_string(&files.path).unwrap(), "Go's");
}

#[test]
fn what_is_not_ours_is_neither_refreshed_nor_removed() {
    for seconds in [5, 9] {
        let mut files = Fixture::new();
        files.replace_by_go();
        files.clock.go(seconds);
        assert!(!files.peer.refresh().unwrap());
        assert!(!files.peer.remove().unwrap());
        assert_eq!(fs::read_to_string(&files.path).unwrap(), "Go's");
    }
}

#[test]
fn a_takeover_between_the_look_and_the_refresh_is_undone() {
    let mut files = Fixture::new();
    files.replace_by_go();
    assert!(matches!(files.peer.replace(b"ours").unwrap(), Replaced::Foreign));
    assert_eq!(fs::read_to_string(&files.path).unwrap(), "Go's", "it is back in its place");
    assert_eq!(files.files(), 1, "nothing is left over");
    drop(files.peer);
    assert!(files.path.exists());
}

#[test]
fn a_file_of_ours_is_removed_in_time_late_and_when_dropped() {
    for seconds in [0, 9] {
        let mut files = Fixture::new();
        files.clock.go(seconds);
        assert!(files.peer.remove().unwrap());
        assert_eq!(files.files(), 0);
    }
    let files = Fixture::new();
    drop(files.peer);
    assert!(!files.path.exists());
}
