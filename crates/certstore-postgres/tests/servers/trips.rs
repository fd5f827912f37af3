//! Round trips, counted on the wire.

use std::future::Future;

use certstore_core::{Dir, Locker as _, Result, Storage as _};
use certstore_postgres::PostgresStorage;
use futures_util::TryStreamExt as _;

use crate::support::proxy::Proxy;
use crate::{Database, key, name};

/// How many round trips a call takes.
async fn trips<T>(proxy: &Proxy, call: impl Future<Output = Result<T>>) -> u64 {
    let before = proxy.round_trips();
    call.await.expect("succeeds");
    proxy.round_trips() - before
}

#[tokio::test]
async fn one_round_trip_an_operation() {
    let database = Database::new();
    let proxy = Proxy::start(database.server.port());
    let storage = PostgresStorage::open(&database.config_at(proxy.port())).await.expect("opens");
    let (at, other) = (key("dir/a"), key("dir/b"));
    // Prepared when the storage was opened.
    assert_eq!(trips(&proxy, storage.store(&at, b"1")).await, 1);
    assert_eq!(trips(&proxy, storage.load(&at)).await, 1);
    assert_eq!(trips(&proxy, storage.exists(&at)).await, 1);
    assert_eq!(trips(&proxy, storage.stat(&at)).await, 1);
    assert_eq!(trips(&proxy, storage.stat(&key("dir"))).await, 1);
    let lock = name("trips");
    let before = proxy.round_trips();
    let guard = storage.lock(&lock).await.expect("free");
    assert_eq!(proxy.round_trips() - before, 1, "lock");
    assert_eq!(trips(&proxy, guard.unlock()).await, 1);
    // The first use of a statement prepares it.
    let guard = storage.lock(&lock).await.expect("free");
    for expected in [2, 1] {
        assert_eq!(trips(&proxy, storage.store_fenced(&at, b"2", &guard)).await, expected);
        assert_eq!(trips(&proxy, storage.delete_fenced(&at, &guard)).await, expected);
        let both: [(_, &[u8]); 2] = [(&at, b"1"), (&other, b"2")];
        assert_eq!(trips(&proxy, storage.store_all(&both)).await, expected);
        assert_eq!(trips(&proxy, storage.load_bundle(&[&at, &other])).await, expected);
        assert_eq!(trips(&proxy, storage.delete(&key("dir"))).await, expected);
    }
    assert_eq!(trips(&proxy, guard.unlock()).await, 1);
}

#[tokio::test]
async fn a_list_of_2500_keys_is_one() {
    let database = Database::new();
    let proxy = Proxy::start(database.server.port());
    let storage = PostgresStorage::open(&database.config_at(proxy.port())).await.expect("opens");
    let keys: Vec<_> = (0..2500).map(|n| key(&format!("many/{n:05}"))).collect();
    let items: Vec<_> = keys.iter().map(|key| (key, &b"x"[..])).collect();
    storage.store_all(&items).await.expect("stored");
    let many = Dir::new("many").expect("a directory");
    for recursive in [false, true] {
        assert_eq!(storage.list(&many, recursive).await.expect("listed"), keys);
        assert_eq!(trips(&proxy, storage.list(&many, recursive)).await, 1);
    }
    let walked: Vec<_> = storage.walk(&many).try_collect().await.expect("walked");
    assert_eq!(walked.len(), 2500);
    // Three pages; none of the names begins like a directory.
    let again = async { storage.walk(&many).try_collect::<Vec<_>>().await };
    assert_eq!(trips(&proxy, again).await, 3);
}

#[tokio::test]
async fn a_refused_claim_writes_nothing() {
    let database = Database::new();
    let (first, second) = (database.open().await, database.open().await);
    let guard = first.lock(&name("busy")).await.expect("free");
    let written = || {
        database.sql("SELECT xmin, xmax, ctid FROM certstore_locks WHERE name = 'busy'")
            + &database.sql("SELECT pg_current_xact_id_if_assigned() IS NULL")
    };
    let before = written();
    assert!(second.try_lock(&name("busy")).await.expect("answers").is_none());
    assert_eq!(written(), before, "a refused claim locks or changes the row");
    guard.unlock().await.expect("held");
}
