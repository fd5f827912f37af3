//! What each call costs, as the server counts it.

use certstore_conformance::loopback_secretsmanager::{Op, Requests};
use certstore_core::{Condition, Dir, Locker as _, Storage as _};
use certstore_secretsmanager::Deleting;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::rig::{Rig, key, name, open};

/// The requests of a call.
async fn cost<T>(rig: &Rig, call: impl Future<Output = certstore_core::Result<T>>) -> Requests {
    rig.server.clear_requests();
    call.await.expect("the call succeeds");
    rig.server.requests()
}

fn only(requests: &Requests, op: Op, count: u64) {
    assert_eq!((requests.of(op), requests.total()), (count, count), "{:?}", requests.per_op());
}

#[tokio::test]
async fn plain_calls_are_one_request_each() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let at = key("a/b");
    // The first one finds no secret.
    assert_eq!(cost(&rig, storage.store(&at, b"0")).await.total(), 2);
    only(&cost(&rig, storage.store(&at, b"1")).await, Op::PutSecretValue, 1);
    only(&cost(&rig, storage.load(&at)).await, Op::GetSecretValue, 1);
    only(&cost(&rig, storage.load_versioned(&at)).await, Op::GetSecretValue, 1);
    only(&cost(&rig, storage.exists(&at)).await, Op::DescribeSecret, 1);
    only(&cost(&rig, storage.stat(&at)).await, Op::DescribeSecret, 1);
    let new = key("new");
    let created = storage.store_if(&new, b"1", &Condition::Absent);
    only(&cost(&rig, created).await, Op::CreateSecret, 1);
}

#[tokio::test]
async fn a_conditional_store_is_a_version_a_move_and_a_label_less() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let at = key("a");
    let version = storage.store(&at, b"1").await.unwrap();
    let condition = Condition::Version(version);
    let stored = cost(&rig, storage.store_if(&at, b"2", &condition)).await;
    let counts = [Op::PutSecretValue, Op::UpdateSecretVersionStage].map(|op| stored.of(op));
    assert_eq!((counts, stored.total()), ([1, 2], 3));
}

#[tokio::test]
async fn a_warm_lock_is_two_requests_and_so_is_an_unlock() {
    let rig = Rig::start();
    let storage = rig.open().await;
    storage.lock(&name("job")).await.unwrap().unlock().await.unwrap();
    let mut held = Vec::new();
    let warm = cost(&rig, async {
        held.push(storage.lock(&name("job")).await?);
        Ok(())
    });
    let warm = warm.await;
    let counts = [Op::PutSecretValue, Op::UpdateSecretVersionStage].map(|op| warm.of(op));
    assert_eq!((counts, warm.total()), ([1, 1], 2));
    assert_eq!(cost(&rig, held.remove(0).unlock()).await.total(), 2);
    // Another client reads the record first.
    let other = rig.open().await;
    let cold = cost(&rig, async {
        held.push(other.lock(&name("job")).await?);
        Ok(())
    });
    assert_eq!(cold.await.total(), 3);
    held.remove(0).unlock().await.unwrap();
}

#[tokio::test]
async fn a_list_is_one_request_a_hundred_secrets() {
    let rig = Rig::start();
    let storage = rig.open().await;
    let keys: Vec<_> = (0..250).map(|n| key(&format!("many/{n:05}"))).collect();
    let stores = stream::iter(&keys).map(|key| storage.store(key, b"x"));
    stores.buffer_unordered(16).try_collect::<Vec<_>>().await.unwrap();
    let dir = Dir::new("many").unwrap();
    for recursive in [false, true] {
        only(&cost(&rig, storage.list(&dir, recursive)).await, Op::ListSecrets, 3);
    }
    only(&cost(&rig, storage.walk(&dir).try_collect::<Vec<_>>()).await, Op::ListSecrets, 3);
    // What this client has written itself it need not ask for.
    only(&cost(&rig, storage.exists(&key("many"))).await, Op::DescribeSecret, 1);
    let other = rig.open().await;
    assert_eq!(cost(&rig, other.exists(&key("many"))).await.of(Op::ListSecrets), 1);
}

#[tokio::test]
async fn a_delete_looks_for_a_journal_and_for_what_lies_below() {
    let rig = Rig::start();
    let mut config = rig.config();
    for (delete, count) in [(Deleting::Force, 4), (Deleting::Recover, 6)] {
        config.delete = delete;
        let storage = open(&config).await;
        storage.store(&key("a/b"), b"x").await.unwrap();
        let deleted = cost(&rig, storage.delete(&key("a/b"))).await;
        let counts =
            [Op::GetSecretValue, Op::ListSecrets, Op::DeleteSecret].map(|op| deleted.of(op));
        assert_eq!((counts, deleted.total()), ([1, 2, 1], count), "{delete:?}");
    }
}
