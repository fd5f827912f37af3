use std::sync::atomic::{AtomicUsize, Ordering};

use certstore_core::SystemClock;

use super::*;

fn root(dir: &tempfile::TempDir) -> Arc<Root> {
    Arc::new(Root::open(dir.path(), false, Arc::new(SystemClock)).unwrap())
}

/// Two sets are as two processes: they share no memory, only the files.
fn two_sets(dir: &tempfile::TempDir) -> [Stripes; 2] {
    [Stripes::of_keys(root(dir)), Stripes::of_keys(root(dir))]
}

#[test]
fn writers_of_one_key_exclude_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let sets = two_sets(&dir);
    let (inside, rounds) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for set in [&sets[0], &sets[0], &sets[1], &sets[1]] {
            scope.spawn(|| {
                for _ in 0..200 {
                    let _guard = set.lock("a/b").unwrap();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    std::thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    rounds.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(rounds.into_inner(), 800);
}

#[test]
fn other_sets_and_stripes_are_free_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Stripes::of_keys(root(&dir));
    let _held = keys.lock("a").unwrap();
    let other = (0..)
        .map(|n| n.to_string())
        .find(|name| keys.index_of(name) != keys.index_of("a"))
        .unwrap();
    drop(keys.lock(&other).unwrap());
    drop(Stripes::of_tokens(root(&dir)).lock("a").unwrap());
}

#[test]
fn a_stopped_holder_is_named_after_a_while() {
    let dir = tempfile::tempdir().unwrap();
    let [held, mut waiting] = two_sets(&dir);
    waiting.patience = Duration::from_millis(20);
    let guard = held.lock("a").unwrap();
    let error = waiting.lock("a").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let file = format!("locks/.stripe-{:02}", held.index_of("a"));
    assert!(error.to_string().contains(&file), "{error}");
    drop(guard);
    drop(waiting.lock("a").unwrap());
}

#[test]
fn a_deleted_lock_directory_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let [one, other] = two_sets(&dir);
    drop(one.lock("a").unwrap());
    std::fs::remove_dir_all(dir.path().join("locks")).unwrap();
    let guard = other.lock("a").unwrap();
    let inside = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _guard = one.lock("a").unwrap();
            assert_eq!(inside.load(Ordering::SeqCst), 1, "it locked the deleted file");
        });
        // Until the other thread waits for the same file, its lock is held here.
        let file = dir.path().join(format!("locks/.stripe-{:02}", other.index_of("a")));
        while !is_waited_for(&file) {
            std::thread::yield_now();
        }
        inside.store(1, Ordering::SeqCst);
        drop(guard);
    });
}

/// Whether two descriptors of this process have `file` open.
fn is_waited_for(file: &std::path::Path) -> bool {
    let inode = std::fs::metadata(file).unwrap().ino();
    let open = std::fs::read_dir("/dev/fd")
        .unwrap()
        .filter_map(|fd| std::fs::metadata(fd.unwrap().path()).ok());
    open.filter(|open| open.ino() == inode).count() >= 2
}
