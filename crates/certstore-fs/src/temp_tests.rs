use std::time::Duration;

use certstore_core::{Clock, OsRandom, Sleep, SystemClock};
use std::sync::Arc;

use super::*;

#[test]
fn temporary_names_are_told_from_all_others() {
    assert!(is_temp(&temp_name("a", 1, 0)));
    assert!(is_temp(&temp_name(&"x".repeat(231), u32::MAX, u64::MAX)));
    for other in [
        "a",
        ".a.tmp",
        "a~",
        ".#a~",
        ".a~1-0.tmp",
        ".a~1-00000000000000zz.tmp",
        ".a~-0000000000000000.tmp",
        "a~1-0000000000000000.tmp",
    ] {
        assert!(!is_temp(other), "{other}");
    }
}

#[test]
fn temporary_names_fit_a_file_system() {
    assert!(temp_name(&"x".repeat(231), u32::MAX, u64::MAX).len() <= 255);
}

#[test]
fn one_that_was_not_renamed_goes() {
    let (dir, root) = root();
    let opened = root.open_dir("").unwrap();
    let temp = Temp::create(&root, &opened, "a", &OsRandom).unwrap();
    assert_eq!(names(&dir).len(), 1);
    drop(temp);
    assert_eq!(names(&dir), [""; 0]);
}

#[test]
fn only_old_temporary_files_are_swept() {
    let (dir, root) = root();
    let now = SystemTime::now();
    let old = now - STALE - Duration::from_secs(1);
    for (name, written) in [
        (temp_name("dead", 1, 1), old),
        (temp_name("ahead", 1, 2), now + STALE + Duration::from_secs(5)),
        (temp_name("live", 1, 3), now),
        ("value".to_owned(), old),
        ("backup~".to_owned(), old),
    ] {
        let file = File::create(dir.path().join(name)).unwrap();
        file.set_modified(written).unwrap();
    }
    assert_eq!(sweep(&root.open_dir("").unwrap(), now).unwrap(), 2);
    assert_eq!(names(&dir), [temp_name("live", 1, 3).as_str(), "backup~", "value"]);
}

#[test]
fn a_directory_is_swept_once_an_hour() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(StoppedClock::default());
    let root = Root::open(dir.path(), false, clock.clone()).unwrap();
    let (opened, sweeper) = (root.open_dir("").unwrap(), Sweeper::default());
    let leave = || {
        let file = File::create(dir.path().join(temp_name("dead", 1, 1))).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    };
    for (minutes, left) in [(0, 0), (59, 1), (60, 0), (61, 1)] {
        leave();
        *clock.0.lock().unwrap() = Duration::from_secs(minutes * 60);
        sweeper.sweep_if_due(&root, "", &opened);
        assert_eq!(names(&dir).len(), left, "after {minutes} minutes");
    }
}

#[derive(Debug, Default)]
struct StoppedClock(Mutex<Duration>);

impl Clock for StoppedClock {
    fn boottime(&self) -> Duration {
        *self.0.lock().unwrap()
    }
    fn monotonic(&self) -> Duration {
        *self.0.lock().unwrap()
    }
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
    fn sleep(&self, duration: Duration) -> Sleep {
        SystemClock.sleep(duration)
    }
}

fn root() -> (tempfile::TempDir, Root) {
    let dir = tempfile::tempdir().unwrap();
    let root = Root::open(dir.path(), false, Arc::new(SystemClock)).unwrap();
    (dir, root)
}

fn names(dir: &tempfile::TempDir) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
