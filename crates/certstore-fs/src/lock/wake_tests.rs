use std::sync::Arc;
use std::time::Duration;

use certstore_core::SystemClock;
use tokio::time::timeout;

use super::{LocksDir, Wake};
use crate::root::Root;

struct Fixture {
    folder: tempfile::TempDir,
    dir: LocksDir,
    wake: Wake,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Arc::new(Root::open(folder.path(), false, Arc::new(SystemClock)).unwrap());
        let dir = LocksDir::open(&root).unwrap();
        Self { folder, dir, wake: Wake::new(root) }
    }

    fn touch(&self, file: &str) {
        std::fs::write(self.folder.path().join("locks").join(file), "x").unwrap();
    }
}

#[tokio::test]
async fn an_event_wakes_those_who_wait_for_its_file() {
    let files = Fixture::new();
    let (a, b) =
        (files.wake.subscribe(&files.dir, &["a"]), files.wake.subscribe(&files.dir, &["b"]));
    files.touch("a");
    timeout(Duration::from_secs(5), a.changed()).await.expect("a is closed after writing");
    timeout(Duration::from_millis(50), b.changed()).await.expect_err("b is not touched");
    files.dir.remove("a").unwrap();
    timeout(Duration::from_secs(5), a.changed()).await.expect("a is deleted");
}

#[tokio::test]
async fn an_event_between_subscribing_and_waiting_is_not_missed() {
    let files = Fixture::new();
    let subscription = files.wake.subscribe(&files.dir, &["a"]);
    files.touch("a");
    tokio::time::sleep(Duration::from_millis(20)).await;
    timeout(Duration::from_secs(5), subscription.changed()).await.expect("the event is kept");
}

#[tokio::test]
async fn after_a_rest_it_watches_again() {
    let files = Fixture::new();
    drop(files.wake.subscribe(&files.dir, &["a"]));
    assert!(files.wake.inner.lock().waiting.is_empty());
    let subscription = files.wake.subscribe(&files.dir, &["a"]);
    files.touch("a");
    timeout(Duration::from_secs(5), subscription.changed())
        .await
        .expect("a is closed after writing");
}

#[tokio::test]
async fn the_thread_ends_with_the_locker() {
    let files = Fixture::new();
    drop(files.wake.subscribe(&files.dir, &["a"]));
    let inner = Arc::downgrade(&files.wake.inner);
    drop(files.wake);
    let ended = async {
        while inner.upgrade().is_some() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_secs(5), ended).await.expect("the thread lets go of what it shares");
}
