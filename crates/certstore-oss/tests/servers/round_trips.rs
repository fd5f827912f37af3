//! What each call costs, as the server counts it.

use certstore_conformance::loopback_oss::{Op, Requests};
use certstore_core::{Condition, Dir, Locker as _, Storage as _};
use certstore_oss::OssStorage;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::rig::{Rig, key, name};

/// The requests of a call.
async fn cost<T>(rig: &Rig, call: impl Future<Output = certstore_core::Result<T>>) -> Requests {
    rig.server.clear_requests();
    call.await.expect("the call succeeds");
    rig.server.requests()
}

fn only(requests: &Requests, op: Op, count: u64) {
    assert_eq!((requests.of(op), requests.total()), (count, count), "{:?}", requests.per_op());
}

async fn fill(storage: &OssStorage, count: usize) {
    let keys: Vec<_> = (0..count).map(|n| key(&format!("many/{n:05}"))).collect();
    let stores = stream::iter(&keys).map(|key| storage.store(key, b"x"));
    stores.buffer_unordered(32).try_collect::<Vec<_>>().await.expect("all are stored");
}

#[tokio::test]
async fn plain_calls_are_one_request_each() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let at = key("a/b");
    only(&cost(&rig, storage.store(&at, b"1")).await, Op::PutObject, 1);
    only(&cost(&rig, storage.load(&at)).await, Op::GetObject, 1);
    only(&cost(&rig, storage.exists(&at)).await, Op::HeadObject, 1);
    only(&cost(&rig, storage.stat(&at)).await, Op::HeadObject, 1);
    // The other one asks whether the bucket keeps versions by now.
    let created = cost(&rig, storage.store_if(&key("new"), b"1", &Condition::Absent)).await;
    assert_eq!((created.of(Op::PutObject), created.total()), (1, 2), "{:?}", created.per_op());
}

#[tokio::test]
async fn opening_is_two_requests_and_probing_seven() {
    let rig = Rig::start();
    let opened = cost(&rig, async { Ok(rig.open().await) }).await;
    let counts = [Op::ListObjectsV2, Op::GetBucketVersioning].map(|op| opened.of(op));
    assert_eq!((counts, opened.total()), ([1, 1], 2));
    let storage = rig.open().await;
    let probed = cost(&rig, async { storage.lock(&name("job")).await?.unlock().await }).await;
    let of_probe = probed.iter().filter(|request| request.key.contains("/probe/")).count();
    assert_eq!(of_probe, 6);
    assert_eq!(rig.objects("p/locks/probe/"), [""; 0]);
}

#[tokio::test]
async fn a_warm_lock_is_one_append_and_a_cold_one_a_read_and_an_append() {
    let rig = Rig::start();
    let (storage, other) = (rig.probed().await, rig.probed().await);
    storage.lock(&name("job")).await.unwrap().unlock().await.unwrap();
    let mut held = Vec::new();
    let cold = cost(&rig, async {
        held.push(other.lock(&name("job")).await?);
        Ok(())
    })
    .await;
    let counts = [Op::GetObject, Op::AppendObject].map(|op| cold.of(op));
    assert_eq!((counts, cold.total()), ([1, 1], 2));
    only(&cost(&rig, held.remove(0).unlock()).await, Op::AppendObject, 1);
    let warm = cost(&rig, async {
        held.push(other.lock(&name("job")).await?);
        Ok(())
    })
    .await;
    only(&warm, Op::AppendObject, 1);
    held.remove(0).unlock().await.unwrap();
    // The very first lock of a name looks for logs of it in a list as well.
    let first = cost(&rig, async { storage.lock(&name("new")).await?.unlock().await }).await;
    let counts = [Op::GetObject, Op::ListObjectsV2, Op::AppendObject].map(|op| first.of(op));
    assert_eq!((counts, first.total()), ([1, 1, 2], 4));
}

#[tokio::test]
async fn a_waiter_looks_by_head() {
    let rig = Rig::start();
    let (storage, other) = (rig.probed().await, rig.probed().await);
    let held = storage.lock(&name("job")).await.unwrap();
    assert!(other.try_lock(&name("job")).await.unwrap().is_none());
    let looked = cost(&rig, other.try_lock(&name("job"))).await;
    only(&looked, Op::HeadObject, 1);
    held.unlock().await.unwrap();
}

#[tokio::test]
async fn a_list_is_one_request_a_thousand_keys() {
    let rig = Rig::start();
    let storage = rig.open().await;
    fill(&storage, 2_500).await;
    let dir = Dir::new("many").unwrap();
    for recursive in [false, true] {
        only(&cost(&rig, storage.list(&dir, recursive)).await, Op::ListObjectsV2, 3);
    }
    only(&cost(&rig, storage.walk(&dir).try_collect::<Vec<_>>()).await, Op::ListObjectsV2, 3);
    assert_eq!(storage.list(&dir, false).await.unwrap().len(), 2_500);
    // The root is answered by its own names, not by what lies below.
    only(&cost(&rig, storage.list(&Dir::ROOT, false)).await, Op::ListObjectsV2, 1);

    let deleted = cost(&rig, storage.delete(&key("many"))).await;
    assert_eq!(deleted.of(Op::DeleteMultipleObjects), 3, "{:?}", deleted.per_op());
    assert_eq!(deleted.of(Op::DeleteObject), 0);
    assert!(!storage.exists(&key("many")).await.unwrap());
}

#[tokio::test]
async fn a_delete_of_one_value_is_four_requests_in_two_steps() {
    let rig = Rig::start();
    let storage = rig.open().await;
    storage.store(&key("a/b"), b"x").await.unwrap();
    let deleted = cost(&rig, storage.delete(&key("a/b"))).await;
    let counts = [Op::GetObject, Op::ListObjectsV2, Op::DeleteObject].map(|op| deleted.of(op));
    assert_eq!((counts, deleted.total()), ([1, 2, 1], 4));
}
