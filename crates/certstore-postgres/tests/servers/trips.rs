//! Round trips, counted on the wire.

use std::future::Future;

use certstore_core::{Dir, ErrorKind, Locker as _, Result, Storage as _};
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
    for items in items.chunks(1000) {
        storage.store_all(items).await.expect("stored");
    }
    let before = proxy.round_trips();
    let error = storage.store_all(&items[..1001]).await.expect_err("too many");
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
    assert!(error.to_string().contains("1000 keys"), "{error}");
    assert_eq!(proxy.round_trips(), before, "refused before it was sent");
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

#[tokio::test]
async fn a_wide_directory_is_listed_and_deleted_in_parts() {
    let database = Database::new();
    let proxy = Proxy::start(database.server.port());
    let storage = PostgresStorage::open(&database.config_at(proxy.port())).await.expect("opens");
    database.sql(
        "ALTER TABLE certstore_entries DISABLE TRIGGER certstore_tree;
         INSERT INTO certstore_entries (key, value, modified, version)
         SELECT 'wide/' || n || CASE WHEN n % 2 = 0 THEN '/x' ELSE '' END, '', now(), n FROM generate_series(1, 45000) AS n;
         INSERT INTO certstore_entries (key, value, modified, version)
         VALUES ('wide-', '', now(), 0), ('wide.x/y', '', now(), 0), ('wide0', '', now(), 0);
         ALTER TABLE certstore_entries ENABLE TRIGGER certstore_tree;",
    );
    let wide = Dir::new("wide").expect("a directory");
    let mut expected: Vec<_> = (1..=45_000).map(|n| key(&format!("wide/{n}"))).collect();
    expected.sort_unstable();
    assert!(storage.list(&wide, false).await.expect("listed") == expected, "another list");
    assert_eq!(trips(&proxy, storage.list(&wide, false)).await, 3);
    assert_eq!(trips(&proxy, storage.list(&Dir::ROOT, false)).await, 2, "prepared, and asked");
    storage.delete(&key("wide")).await.expect("deleted");
    let left = database.sql("SELECT string_agg(key, ' ' ORDER BY key) FROM certstore_entries");
    assert_eq!(left, "wide- wide.x/y wide0");
}
