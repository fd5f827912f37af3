//! Servers that do not look at preconditions are found out before the first lock.

use certstore_conformance::loopback_gcs::{Effect, Fault, Op};
use certstore_core::{Condition, ErrorKind, Locker as _, Storage as _};

use crate::rig::{Rig, key, name, refused};

#[tokio::test]
async fn a_server_that_ignores_conditions_is_refused_for_locks() {
    for op in [Op::InsertObject, Op::DeleteObject] {
        let rig = Rig::start();
        rig.fault(Fault::new(Effect::IgnoreConditions).on(op).always());
        let storage = rig.open().await;
        let error = refused(storage.lock(&name("job")).await, ErrorKind::Unsupported);
        assert!(error.to_string().contains("[storage.lock]"), "{error}");
        refused(storage.try_lock(&name("job")).await, ErrorKind::Unsupported);
        let created = storage.store_if(&key("a"), b"x", &Condition::Absent).await;
        refused(created, ErrorKind::Unsupported);
        // Plain writes and reads go on, and the probe leaves nothing.
        storage.store(&key("a"), b"value").await.unwrap();
        assert_eq!(storage.load(&key("a")).await.unwrap(), "value");
        assert_eq!(rig.objects("").await, ["p/a"], "{op}");
    }
}

#[tokio::test]
async fn the_probe_runs_once_and_is_small() {
    let rig = Rig::start();
    let storage = rig.open().await;
    rig.server.clear_requests();
    storage.lock(&name("job")).await.unwrap().unlock().await.unwrap();
    let first = rig.server.requests().total();
    // Six of the probe, two of the cold lock, one of the release.
    assert_eq!(first, 9, "{:?}", rig.server.requests().per_op());
    let other = storage.with_prefix("q").unwrap();
    for storage in [&storage, &other] {
        storage.lock(&name("another")).await.unwrap().unlock().await.unwrap();
    }
    assert_eq!(rig.server.requests().total(), first + 6);
    assert_eq!(rig.objects("p/locks/probe/").await, [""; 0]);
}

#[tokio::test]
async fn trouble_on_the_way_is_no_finding() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let probe = Fault::new(Effect::ServiceUnavailable).on(Op::InsertObject).key("*/locks/probe/*");
    let fault = rig.fault(probe);
    let error = refused(storage.lock(&name("job")).await, ErrorKind::Unavailable);
    assert!(error.to_string().contains("tried out"), "{error}");
    assert_eq!(fault.fired(), 1);
    storage.lock(&name("job")).await.unwrap().unlock().await.unwrap();
}
