use std::fs::{File, read_dir};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use certstore_core::SystemClock;

use super::sweep;
use crate::root::Root;

#[test]
fn only_old_passing_files_go() {
    let folder = tempfile::tempdir().unwrap();
    let root = Arc::new(Root::open(folder.path(), false, Arc::new(SystemClock)).unwrap());
    let locks = folder.path().join("locks");
    std::fs::create_dir(&locks).unwrap();
    let old = SystemTime::now() - Duration::from_secs(7200);
    for file in [".1~", ".2.steal~", ".job.break~", "job.lock", ".job.guard", ".certstore-id"] {
        File::create(locks.join(file)).unwrap().set_modified(old).unwrap();
    }
    File::create(locks.join(".new~")).unwrap();
    sweep(&root);
    let mut left: Vec<_> =
        read_dir(&locks).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, [".certstore-id", ".job.guard", ".new~", "job.lock"]);
}
