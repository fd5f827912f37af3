use std::sync::Arc;
use std::time::Duration;

use certstore_core::{Clock, FencingToken, OsRandom, SystemClock};

use super::{Found, LocksDir, Observation, Verdict, judge, steal};
use crate::lock::body;
use crate::lock::manual_clock::Manual;
use crate::lock::names::Names;
use crate::root::Root;

fn go_file(clock: &Manual) -> Found {
    let time = body::rfc3339(clock.wall());
    Found {
        inode: 1,
        bytes: format!("{{\"created\":\"{time}\",\"updated\":\"{time}\"}}\n").into_bytes(),
    }
}

fn is_dead(found: &Found, seen: &mut Option<Observation>, clock: &Manual) -> bool {
    matches!(judge(found, seen, clock), Verdict::Dead { .. })
}

#[test]
fn a_go_lock_is_stale_after_twelve_seconds_unchanged() {
    let (clock, mut seen) = (Manual::new(), None);
    let found = go_file(&clock);
    assert_eq!(judge(&found, &mut seen, &clock), Verdict::Wait(Duration::from_secs(12)));
    clock.go(11);
    assert_eq!(judge(&found, &mut seen, &clock), Verdict::Wait(Duration::from_secs(1)));
    clock.go(1);
    assert_eq!(judge(&found, &mut seen, &clock), Verdict::Dead { settle: true });
}

#[test]
fn an_old_go_lock_is_watched_first() {
    let (clock, mut seen) = (Manual::new(), None);
    let found = go_file(&clock);
    clock.go(3600);
    assert!(!is_dead(&found, &mut seen, &clock), "its clock may be wrong: nothing is known yet");
    clock.go(12);
    assert!(is_dead(&found, &mut seen, &clock));
}

#[test]
fn a_refresh_starts_the_time_anew() {
    let (clock, mut seen) = (Manual::new(), None);
    for _ in 0..5 {
        let found = go_file(&clock);
        assert!(!is_dead(&found, &mut seen, &clock));
        clock.go(11);
    }
    let other_inode = Found { inode: 2, ..go_file(&clock) };
    assert!(!is_dead(&go_file(&clock), &mut seen, &clock));
    clock.go(12);
    assert!(!is_dead(&other_inode, &mut seen, &clock), "equal bytes in another file");
}

#[test]
fn a_clock_that_was_stepped_back_delays_but_does_not_block() {
    let (clock, mut seen) = (Manual::new(), None);
    let found = go_file(&clock);
    clock.step_back(14);
    assert!(!is_dead(&found, &mut seen, &clock));
    clock.go(12);
    assert!(!is_dead(&found, &mut seen, &clock), "two seconds ahead");
    clock.go(13);
    assert!(is_dead(&found, &mut seen, &clock), "eleven seconds old");
    let far_ahead = go_file(&clock);
    clock.step_back(3600);
    assert!(!is_dead(&far_ahead, &mut seen, &clock));
    clock.go(12);
    assert!(is_dead(&far_ahead, &mut seen, &clock), "an hour ahead, and nobody refreshes it");
}

#[test]
fn an_empty_lock_is_stale_after_two_seconds_and_garbage_after_twelve() {
    let empty = Found { inode: 1, bytes: Vec::new() };
    let garbage = Found { inode: 1, bytes: b"{\"created\":\"2026".to_vec() };
    for (found, seconds) in [(empty, 2), (garbage, 12)] {
        let (clock, mut seen) = (Manual::new(), None);
        assert!(!is_dead(&found, &mut seen, &clock));
        clock.go(seconds - 1);
        assert!(!is_dead(&found, &mut seen, &clock));
        clock.go(1);
        assert!(is_dead(&found, &mut seen, &clock));
    }
}

#[test]
fn our_own_left_over_is_dead_at_once_and_settles_only_when_old() {
    let clock = Manual::new();
    let time = clock.wall();
    let found = Found { inode: 1, bytes: body::write(time, time, "certstore/1", FencingToken(1)) };
    assert_eq!(judge(&found, &mut None, &clock), Verdict::Dead { settle: false });
    clock.go(8);
    assert_eq!(judge(&found, &mut None, &clock), Verdict::Dead { settle: false });
    clock.go(1);
    assert_eq!(judge(&found, &mut None, &clock), Verdict::Dead { settle: true });
}

#[test]
fn only_what_was_judged_is_stolen() {
    let folder = tempfile::tempdir().unwrap();
    let root = Arc::new(Root::open(folder.path(), false, Arc::new(SystemClock)).unwrap());
    let dir = LocksDir::open(&root).unwrap();
    let names = Names::of(&"job".parse().unwrap());
    let path = folder.path().join("locks/job.lock");
    std::fs::write(&path, "old").unwrap();
    let judged = dir.read(&names.lock).unwrap().unwrap();

    std::fs::write(&path, "new").unwrap();
    assert!(!steal(&dir, &names, &judged, &OsRandom).unwrap(), "refreshed since");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "new", "it is put back");

    let judged = dir.read(&names.lock).unwrap().unwrap();
    assert!(steal(&dir, &names, &judged, &OsRandom).unwrap());
    assert!(!path.exists());
    assert!(steal(&dir, &names, &judged, &OsRandom).unwrap(), "gone already");
    assert_eq!(
        std::fs::read_dir(folder.path().join("locks")).unwrap().count(),
        0,
        "nothing is left over"
    );
}

#[test]
fn what_cannot_be_read_is_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let root = Arc::new(Root::open(folder.path(), false, Arc::new(SystemClock)).unwrap());
    let dir = LocksDir::open(&root).unwrap();
    let names = Names::of(&"job".parse().unwrap());
    let path = folder.path().join("locks/job.lock");
    std::os::unix::fs::symlink("elsewhere", &path).unwrap();
    let judged = Found { inode: 1, bytes: Vec::new() };
    steal(&dir, &names, &judged, &OsRandom).unwrap_err();
    assert!(path.is_symlink());
    assert!(!dir.link("gone", "job.lock").unwrap(), "a file that is gone has no second name");
}
