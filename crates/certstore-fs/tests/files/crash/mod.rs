//! Power cuts: the system calls of an operation are traced, and for each moment all that a disk can then show is put into a
//! directory and read. It must be the old or the new value, and the new one once the operation has returned.

mod disk;
mod trace;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use certstore_core::{Dir, ErrorKind, Storage};
use certstore_fs::FsStorage;

use crate::common::{key, open};
use crate::faults::{inside, passes};
use disk::{Disk, State, restore};
use trace::{CALLS, Op, RETURNED, ops};

const OLD: &[u8] = b"the old value";
const NEW: &[u8] = b"the new value, which is longer";

/// What an operation did, and to which disk.
struct Run {
    before: Disk,
    ops: Vec<Op>,
}

impl Run {
    /// Traces `test`, which is called again for it, on a directory that `prepare` has filled.
    async fn of(test: &str, prepare: impl AsyncFnOnce(&FsStorage)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("root");
        prepare(&open(&root)).await;
        let before = Disk::of(&root);
        let output = dir.path().join("trace");
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-y", "-xx", "-s", "1000000", "-e", CALLS, "-o"]).arg(&output);
        passes(command, &root, test);
        let ops = ops(&fs::read_to_string(output).unwrap(), root.to_str().unwrap());
        assert!(ops.contains(&Op::Returned), "the trace is cut: {ops:?}");
        Self { before, ops }
    }

    /// All that can be found after a power cut, with whether the operation had returned by then.
    fn states(&self) -> BTreeSet<(bool, State)> {
        let mut disk = self.before.clone();
        let mut states = BTreeSet::new();
        let mut collect = |disk: &Disk| {
            states.extend(disk.after_power_cut().into_iter().map(|state| (disk.returned, state)));
        };
        collect(&disk);
        for op in &self.ops {
            disk.apply(op);
            collect(&disk);
        }
        states
    }

    /// The first state that `is_right` refuses.
    async fn first_wrong(&self, is_right: impl AsyncFn(&FsStorage, bool) -> bool) -> Option<State> {
        for (returned, state) in self.states() {
            let root = restore(&state);
            let storage = open(root.path());
            let right = is_right(&storage, returned).await && goes_on(&storage).await;
            if !right {
                return Some(state);
            }
        }
        None
    }

    fn position(&self, is_it: impl Fn(&Op) -> bool) -> usize {
        self.ops.iter().position(is_it).expect("the operation does this")
    }
}

/// Whatever is found, lists are clean and the next store works.
async fn goes_on(storage: &FsStorage) -> bool {
    let listed = storage.list(&Dir::ROOT, true).await.unwrap();
    storage.store(&key("a/b"), b"next").await.unwrap();
    listed.iter().all(|found| found.as_str().starts_with('a'))
        && &storage.load(&key("a/b")).await.unwrap()[..] == b"next"
        && storage.foreign(&Dir::ROOT).await.unwrap().is_empty()
}

async fn is_old_or_new(storage: &FsStorage, returned: bool) -> bool {
    let found = storage.load(&key("a/b")).await.unwrap();
    found == NEW || found == OLD && !returned
}

async fn is_absent_or_new(storage: &FsStorage, returned: bool) -> bool {
    match storage.load(&key("a/b")).await {
        Ok(found) => found == NEW,
        Err(error) => error.kind() == ErrorKind::NotFound && !returned,
    }
}

fn tell_returned() {
    let mut output = std::io::stdout();
    output.write_all(RETURNED.as_bytes()).and_then(|()| output.flush()).unwrap();
}

async fn store_inside(root: &Path) {
    let storage = open(root);
    storage.store(&key("a/b"), NEW).await.unwrap();
    tell_returned();
}

async fn store_over() -> Run {
    Run::of("crash::a_store_over_a_value_leaves_the_old_one_or_the_new_one", async |storage| {
        storage.store(&key("a/b"), OLD).await.unwrap();
    })
    .await
}

async fn store_anew() -> Run {
    Run::of("crash::a_first_store_leaves_nothing_or_the_value", async |_| {}).await
}

#[tokio::test]
async fn a_store_over_a_value_leaves_the_old_one_or_the_new_one() {
    if let Some(root) = inside() {
        return store_inside(&root).await;
    }
    let run = store_over().await;
    assert!(run.states().len() > 5, "too few to mean anything");
    assert_eq!(run.first_wrong(is_old_or_new).await, None);
}

#[tokio::test]
async fn a_first_store_leaves_nothing_or_the_value() {
    if let Some(root) = inside() {
        return store_inside(&root).await;
    }
    let run = store_anew().await;
    assert!(run.ops.contains(&Op::MakeDir("a".to_owned())));
    assert_eq!(run.first_wrong(is_absent_or_new).await, None);
}

#[tokio::test]
async fn a_delete_leaves_the_value_or_nothing() {
    if let Some(root) = inside() {
        open(&root).delete(&key("a")).await.unwrap();
        return tell_returned();
    }
    let run = Run::of("crash::a_delete_leaves_the_value_or_nothing", async |storage| {
        storage.store(&key("a/b"), OLD).await.unwrap();
    })
    .await;
    let is_right = async |storage: &FsStorage, returned: bool| match storage.load(&key("a/b")).await
    {
        Ok(found) => found == OLD && !returned,
        Err(error) => error.kind() == ErrorKind::NotFound,
    };
    assert_eq!(run.first_wrong(is_right).await, None);
}

#[tokio::test]
async fn a_bundle_is_the_old_one_or_the_new_one() {
    let (private, cert) = (key("a/key"), key("a/crt"));
    if let Some(root) = inside() {
        open(&root).store_all(&[(&private, b"new key"), (&cert, b"new crt")]).await.unwrap();
        return tell_returned();
    }
    let run = Run::of("crash::a_bundle_is_the_old_one_or_the_new_one", async |storage| {
        storage.store_all(&[(&private, b"old key"), (&cert, b"old crt")]).await.unwrap();
    })
    .await;
    let is_right = async |storage: &FsStorage, returned: bool| {
        let found = storage.load_bundle(&[&private, &cert]).await.unwrap();
        found == ["new key", "new crt"] || found == ["old key", "old crt"] && !returned
    };
    assert_eq!(run.first_wrong(is_right).await, None);
}

#[tokio::test]
async fn a_rename_before_the_sync_of_the_value_is_found() {
    let mut run = store_over().await;
    let sync = run.position(|op| matches!(op, Op::Sync(path) if path.contains('~')));
    let rename = run.position(|op| matches!(op, Op::Rename(..)));
    assert!(sync < rename);
    let rename = run.ops.remove(rename);
    run.ops.remove(sync);
    run.ops.splice(sync..sync, [rename, Op::Sync("a/b".to_owned())]);
    assert!(run.first_wrong(is_old_or_new).await.is_some());
}

#[tokio::test]
async fn a_missing_sync_of_the_directory_is_found() {
    let mut run = store_over().await;
    let sync = run.position(|op| *op == Op::Sync("a".to_owned()));
    run.ops.remove(sync);
    assert!(run.first_wrong(is_old_or_new).await.is_some());
}

#[tokio::test]
async fn a_missing_sync_of_a_new_directory_is_found() {
    let mut run = store_anew().await;
    let sync = run.position(|op| *op == Op::Sync(String::new()));
    run.ops.remove(sync);
    assert!(run.first_wrong(is_absent_or_new).await.is_some());
}

#[tokio::test]
async fn a_rewrite_in_place_is_found() {
    let mut run = store_over().await;
    let path = || "a/b".to_owned();
    run.ops =
        vec![Op::Truncate(path()), Op::Write(path(), NEW.to_vec()), Op::Sync(path()), Op::Returned];
    assert!(run.first_wrong(is_old_or_new).await.is_some());
}
