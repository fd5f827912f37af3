use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use super::{changing_entries, is_quiet};

#[test]
fn a_directory_is_quiet_once_it_has_rested() {
    let dir = tempfile::tempdir().unwrap();
    let opened = File::open(dir.path()).unwrap();
    fs::write(dir.path().join("a"), "").unwrap();
    assert!(!is_quiet(&opened, SystemTime::now()).unwrap());
    assert!(is_quiet(&opened, SystemTime::now() + Duration::from_secs(1)).unwrap());
}

/// tmpfs is where one pass is known to miss entries.
#[test]
fn nothing_is_missed_or_doubled_while_others_rename() {
    let base = Path::new("/dev/shm");
    let base = if base.is_dir() { base.to_owned() } else { std::env::temp_dir() };
    let dir = tempfile::tempdir_in(base).unwrap();
    let names: Vec<String> = (0..4000).map(|number| format!("key-{number}")).collect();
    for name in &names {
        fs::write(dir.path().join(name), "").unwrap();
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for name in names.iter().cycle() {
                fs::write(dir.path().join("new"), "").unwrap();
                fs::rename(dir.path().join("new"), dir.path().join(name)).unwrap();
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        for round in 0..30 {
            let opened = File::open(dir.path()).unwrap();
            let found = changing_entries(&opened).unwrap();
            let keys = found.keys().filter(|name| *name != b"new").count();
            if keys != names.len() {
                done.store(true, Ordering::Relaxed);
                panic!("round {round}: {keys} of {} keys", names.len());
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}
