use std::sync::Arc;
use std::time::Duration;

use certstore_core::{ErrorKind, FencingToken, OsRandom, SystemClock};
use tokio::time::timeout;

use super::break_lock;
use crate::lock::dir::LocksDir;
use crate::lock::guard_file::GuardFile;
use crate::lock::held::{Files, Held, Look};
use crate::lock::manual_clock::Manual;
use crate::lock::names::Names;
use crate::lock::peer_file::PeerFile;
use crate::lock::shared::Shared;
use crate::root::Root;

const TOKEN: FencingToken = FencingToken(7);

/// Long enough for an event of the file system to arrive.
const SOON: Duration = Duration::from_secs(5);

struct Fixture {
    _folder: tempfile::TempDir,
    clock: Arc<Manual>,
    shared: Arc<Shared>,
    held: Held,
}

impl Fixture {
    /// A lock that is held by somebody who looks at it only when told to.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Manual::new());
        // The sweep compares this one's time with that of the files.
        let root = Arc::new(Root::open(folder.path(), false, Arc::new(SystemClock)).unwrap());
        let dir = LocksDir::open(&root).unwrap();
        let names = Arc::new(Names::of(&"job".parse().unwrap()));
        let shared = Arc::new(Shared::new(root, clock.clone(), Arc::new(OsRandom)));
        let turn = shared.queue.try_enter(&names.stem).unwrap();
        let mut guard = GuardFile::open(&dir, &names).unwrap();
        assert!(guard.try_lock().unwrap());
        guard.write(&shared.record(TOKEN.0)).unwrap();
        let peer = PeerFile::place(&shared, &dir, &names, TOKEN).unwrap().unwrap();
        let files = Files { peer, guard, turn };
        let held = Held::new(shared.clone(), dir, names, TOKEN, files);
        Self { _folder: folder, clock, shared, held }
    }

    /// Starts to break the lock, until the request is there.
    async fn ask(&self) -> tokio::task::JoinHandle<certstore_core::Result<()>> {
        let (shared, names) = (self.shared.clone(), self.held.names.clone());
        let asked = tokio::spawn(async move { break_lock(&shared, &names, TOKEN).await });
        let written = async {
            while self.held.dir.inode(&self.held.names.mark).unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(SOON, written).await.expect("the request is written");
        asked
    }

    /// Lets those who wait for an event of the lock look again.
    fn wake(&self) {
        drop(GuardFile::open(&self.held.dir, &self.held.names).unwrap());
    }
}

#[tokio::test]
async fn a_request_that_the_holder_has_taken_is_waited_for() {
    let files = Fixture::new();
    let mut asked = files.ask().await;
    // As a holder that is stopped between taking the request and giving the lock up.
    assert!(files.held.dir.remove(&files.held.names.mark).unwrap());
    files.clock.go(3);
    files.wake();
    timeout(Duration::from_millis(100), &mut asked).await.expect_err("it takes effect later");
    files.held.release().unwrap();
    timeout(SOON, asked).await.expect("it has ended").unwrap().unwrap();
}

#[tokio::test]
async fn a_holder_that_never_ends_is_told_of_as_undecided() {
    let files = Fixture::new();
    let mut asked = files.ask().await;
    assert!(files.held.dir.remove(&files.held.names.mark).unwrap());
    for _ in 0..2 {
        timeout(Duration::from_millis(100), &mut asked).await.expect_err("it waits");
        files.clock.go(3);
        files.wake();
    }
    let error = timeout(SOON, asked).await.expect("it gives up").unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.may_have_applied(), "{error}");
}

#[tokio::test]
async fn a_request_that_was_taken_back_takes_nothing() {
    let files = Fixture::new();
    let asked = files.ask().await;
    files.clock.go(3);
    files.wake();
    let error = timeout(SOON, asked).await.expect("it gives up").unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(!error.may_have_applied(), "{error}");
    assert_eq!(files.held.look().unwrap(), Look::Ours);
}
