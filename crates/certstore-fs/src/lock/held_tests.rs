use std::sync::Arc;

use certstore_core::{FencingToken, OsRandom, Standing};

use super::{Files, Held, Look};
use crate::lock::dir::LocksDir;
use crate::lock::guard_file::GuardFile;
use crate::lock::manual_clock::Manual;
use crate::lock::names::Names;
use crate::lock::peer_file::PeerFile;
use crate::lock::shared::Shared;
use crate::root::Root;

struct Fixture {
    _folder: tempfile::TempDir,
    clock: Arc<Manual>,
    held: Held,
}

impl Fixture {
    /// A held lock that nothing refreshes.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Manual::new());
        let root = Arc::new(Root::open(folder.path(), false, clock.clone()).unwrap());
        let dir = LocksDir::open(&root).unwrap();
        let names = Arc::new(Names::of(&"job".parse().unwrap()));
        let shared = Arc::new(Shared::new(root, clock.clone(), Arc::new(OsRandom)));
        let token = FencingToken(7);
        let turn = shared.queue.try_enter(&names.stem).unwrap();
        let mut guard = GuardFile::open(&dir, &names).unwrap();
        assert!(guard.try_lock().unwrap());
        guard.write(&shared.record(token.0)).unwrap();
        let peer = PeerFile::place(&shared, &dir, &names, token).unwrap().unwrap();
        let held = Held::new(shared, dir, names, token, Files { peer, guard, turn });
        Self { _folder: folder, clock, held }
    }
}

#[test]
fn a_refresh_in_time_proves_that_the_lock_is_held() {
    let files = Fixture::new();
    files.clock.go(5);
    assert_eq!(files.held.refresh().unwrap(), Look::Ours);
    files.clock.go(7);
    assert_eq!(files.held.validity.standing(), Standing::Held, "eight seconds from the refresh on");
}

#[test]
fn a_pause_in_the_middle_of_a_refresh_proves_nothing() {
    let files = Fixture::new();
    files.clock.go(5);
    let clock = files.clock.clone();
    files.clock.after_next_look(move || clock.go(10));
    assert_eq!(files.held.refresh().unwrap(), Look::Unproven);
    assert_eq!(files.held.validity.standing(), Standing::Unproven);
}
