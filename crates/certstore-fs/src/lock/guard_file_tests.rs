use std::sync::Arc;
use std::time::{Duration, SystemTime};

use certstore_core::{FencingToken, LockName, SystemClock};

use super::{GuardFile, LocksDir, Names, Reading, Record};
use crate::root::Root;

struct Fixture {
    _folder: tempfile::TempDir,
    dir: LocksDir,
    names: Names,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path(), false, Arc::new(SystemClock)).unwrap();
        let dir = LocksDir::open(&Arc::new(root)).unwrap();
        let names = Names::of(&LockName::new("job").unwrap());
        Self { _folder: folder, dir, names }
    }

    fn open(&self) -> GuardFile {
        GuardFile::open(&self.dir, &self.names).unwrap()
    }
}

fn record(token: u64) -> Record {
    Record { token, held: true, pid: 7, program: "test".to_owned(), ..Record::default() }
}

#[test]
fn one_at_a_time_and_free_after_drop() {
    let files = Fixture::new();
    let (mut first, mut second) = (files.open(), files.open());
    assert!(first.try_lock().unwrap());
    assert!(!second.try_lock().unwrap() && second.is_locked_by_other().unwrap());
    drop(first);
    assert!(!second.is_locked_by_other().unwrap() && second.try_lock().unwrap());
}

#[test]
fn a_record_is_read_back_and_a_shorter_one_replaces_it() {
    let files = Fixture::new();
    let guard = files.open();
    assert_eq!(guard.read().unwrap(), Reading::Nothing);
    let long = Record { host: "h".repeat(64), ..record(9_999_999) };
    for record in [long, record(10_000_000)] {
        guard.write(&record).unwrap();
        assert_eq!(guard.read().unwrap(), Reading::Record(record));
    }
}

#[test]
fn a_damaged_record_is_told() {
    let files = Fixture::new();
    let guard = files.open();
    guard.write(&record(5)).unwrap();
    let written = std::os::unix::fs::FileExt::write_all_at(&guard.file, b"6", 27);
    written.unwrap();
    assert_eq!(guard.read().unwrap(), Reading::Damaged);
    guard.file.set_len(10).unwrap();
    assert_eq!(guard.read().unwrap(), Reading::Damaged);
    assert_eq!(guard.read().unwrap().or_default().token, 0);
}

#[test]
fn tokens_grow_by_the_clock_and_without_it() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_micros(1000);
    assert_eq!(Record::default().next_token(now), FencingToken(1000));
    assert_eq!(record(1000).next_token(now), FencingToken(1001), "the clock stood still");
    assert_eq!(record(5000).next_token(now), FencingToken(5001), "the clock went back");
}

#[test]
fn the_sign_of_waiters_is_cleared_by_looking_and_leaves_the_record() {
    let files = Fixture::new();
    let guard = files.open();
    guard.write(&record(5)).unwrap();
    assert!(!guard.clear_waiting().unwrap());
    guard.mark_waiting().unwrap();
    assert!(guard.clear_waiting().unwrap() && !guard.clear_waiting().unwrap());
    assert_eq!(guard.read().unwrap(), Reading::Record(record(5)));
}

#[test]
fn a_guard_whose_file_was_deleted_is_not_current() {
    let files = Fixture::new();
    let old = files.open();
    assert!(old.is_current(&files.dir, &files.names).unwrap());
    files.dir.remove(&files.names.guard).unwrap();
    assert!(!old.is_current(&files.dir, &files.names).unwrap());
    let new = files.open();
    assert!(new.is_current(&files.dir, &files.names).unwrap());
    assert!(!old.is_current(&files.dir, &files.names).unwrap());
}
