//! What each call costs, as the server counts it.

use certstore_conformance::loopback_s3::{Op, Requests};
use certstore_core::{Dir, Locker as _, Storage as _};
use certstore_s3::S3Storage;
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

async fn fill(storage: &S3Storage, count: usize) {
    let keys: Vec<_> = (0..count).map(|n| key(&format!("many/{n:05}"))).collect();
    let stores = stream::iter(&keys).map(|key| storage.store(key, b"x"));
    stores.buffer_unordered(32).try_collect::<Vec<_>>().await.expect("all are stored");
}

#[tokio::test]
async fn plain_calls_are_one_request_each() {
    let rig = Rig::start();
    let storage = rig.probed().await;
    let at = key("a/b");
    only(&cost(&rig, storage.store(&at, b"1")).await, Op::PutObject, 1);
    only(&cost(&rig, storage.load(&at)).await, Op::GetObject, 1);
    only(&cost(&rig, storage.exists(&at)).await, Op::HeadObject, 1);
    only(&cost(&rig, storage.stat(&at)).await, Op::HeadObject, 1);
    let version = storage.store(&at, b"2").await.unwrap();
    let condition = certstore_core::Condition::Version(version);
    only(&cost(&rig, storage.store_if(&at, b"3", &condition)).await, Op::PutObject, 1);
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
    only(&cost(&rig, held.remove(0).unlock()).await, Op::PutObject, 1);
    let warm = cost(&rig, async {
        held.push(storage.lock(&name("job")).await?);
        Ok(())
    });
    only(&warm.await, Op::PutObject, 1);
    held.remove(0).unlock().await.unwrap();
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
    assert_eq!(deleted.of(Op::DeleteObjects), 3, "{:?}", deleted.per_op());
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
