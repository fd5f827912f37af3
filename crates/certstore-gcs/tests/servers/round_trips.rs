//! Requests, as the server counts them.

use certstore_conformance::loopback_gcs::{Op, Requests};
use certstore_core::{Dir, Locker as _, Result, Storage as _};
use certstore_gcs::GcsStorage;
use futures_util::TryStreamExt as _;

use crate::rig::{Rig, key, name};

/// The requests of a call that must go well.
async fn cost<T>(rig: &Rig, call: impl Future<Output = Result<T>>) -> Requests {
    rig.server.clear_requests();
    call.await.expect("the test can go on");
    rig.server.requests()
}

fn only(requests: &Requests, op: Op, count: u64) {
    assert_eq!((requests.of(op), requests.total()), (count, count), "{:?}", requests.per_op());
}

async fn fill(storage: &GcsStorage, count: usize) {
    for chunk in (0..count).collect::<Vec<_>>().chunks(100) {
        let keys: Vec<_> = chunk.iter().map(|n| key(&format!("many/{n:04}/x"))).collect();
        let stores = keys.iter().map(|key| storage.store(key, b"x"));
        futures_util::future::try_join_all(stores).await.expect("the test can go on");
    }
}

#[tokio::test]
async fn values_are_one_request_each() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let at = key("a/b");
    only(&cost(&rig, storage.store(&at, b"value")).await, Op::InsertObject, 1);
    only(&cost(&rig, storage.load(&at)).await, Op::ReadObject, 1);
    only(&cost(&rig, storage.load_versioned(&at)).await, Op::ReadObject, 1);
    only(&cost(&rig, storage.exists(&at)).await, Op::GetObject, 1);
    only(&cost(&rig, storage.stat(&at)).await, Op::GetObject, 1);
    let directory = cost(&rig, storage.exists(&key("a"))).await;
    assert_eq!((directory.of(Op::GetObject), directory.of(Op::ListObjects)), (1, 1));
    assert_eq!(directory.total(), 2);
}

#[tokio::test]
async fn conditional_writes_are_one_request_and_fenced_ones_two() {
    use certstore_core::Condition;
    let rig = Rig::start();
    let storage = rig.probed().await;
    let (at, lock) = (key("a/b"), storage.lock(&name("job")).await.unwrap());
    only(&cost(&rig, storage.store_if(&at, b"1", &Condition::Absent)).await, Op::InsertObject, 1);
    let fenced = cost(&rig, storage.store_fenced(&at, b"2", &lock)).await;
    assert_eq!((fenced.of(Op::GetObject), fenced.of(Op::InsertObject)), (1, 1));
    assert_eq!(fenced.total(), 2);
    lock.unlock().await.unwrap();
}

#[tokio::test]
async fn a_warm_lock_is_one_request_and_a_cold_one_two() {
    let rig = Rig::start();
    let storage = rig.probed().await;
    let mut held = Vec::new();
    let cold = cost(&rig, async {
        held.push(storage.lock(&name("job")).await?);
        Ok(())
    });
    assert_eq!(cold.await.total(), 2);
    only(&cost(&rig, held.remove(0).unlock()).await, Op::InsertObject, 1);
    let warm = cost(&rig, async {
        held.push(storage.lock(&name("job")).await?);
        Ok(())
    });
    only(&warm.await, Op::InsertObject, 1);
    held.remove(0).unlock().await.unwrap();
}

#[tokio::test]
async fn a_waiter_only_reads_and_an_unchanged_record_is_not_sent() {
    let rig = Rig::start();
    let (one, other) = (rig.probed().await, rig.probed().await);
    let held = one.lock(&name("job")).await.unwrap();
    rig.server.clear_requests();
    assert!(other.try_lock(&name("job")).await.unwrap().is_none());
    assert!(other.try_lock(&name("job")).await.unwrap().is_none());
    let requests = rig.server.requests();
    only(&requests, Op::ReadObject, 2);
    let statuses: Vec<_> = requests.iter().map(|request| request.status).collect();
    assert_eq!(statuses, [200, 304]);
    held.unlock().await.unwrap();
}

#[tokio::test]
async fn a_list_is_one_request_a_thousand_keys() {
    let rig = Rig::start();
    let storage = rig.open().await;
    fill(&storage, 2_500).await;
    let dir = Dir::new("many").unwrap();
    for recursive in [false, true] {
        only(&cost(&rig, storage.list(&dir, recursive)).await, Op::ListObjects, 3);
    }
    only(&cost(&rig, storage.walk(&dir).try_collect::<Vec<_>>()).await, Op::ListObjects, 3);
    assert_eq!(storage.list(&dir, false).await.unwrap().len(), 2_500);
    assert_eq!(storage.list(&dir, true).await.unwrap().len(), 5_000);
    // The root is answered by its own names, not by what lies below.
    only(&cost(&rig, storage.list(&Dir::ROOT, false)).await, Op::ListObjects, 1);

    let deleted = cost(&rig, storage.delete(&key("many"))).await;
    assert_eq!(deleted.of(Op::DeleteObject), 2_501, "{:?}", deleted.per_op());
    assert!(!storage.exists(&key("many")).await.unwrap());
}

#[tokio::test]
async fn a_delete_of_one_value_is_four_requests_in_two_steps() {
    let rig = Rig::start();
    let storage = rig.open().await;
    storage.store(&key("a/b"), b"x").await.unwrap();
    let deleted = cost(&rig, storage.delete(&key("a/b"))).await;
    let counts = [Op::ReadObject, Op::ListObjects, Op::DeleteObject].map(|op| deleted.of(op));
    assert_eq!((counts, deleted.total()), ([1, 2, 1], 4));
}
