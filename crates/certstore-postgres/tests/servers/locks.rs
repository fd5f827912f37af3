//! Locks between clients: waking, lost connections, restarts, breaking off.

use std::time::{Duration, Instant};

use certstore_conformance::servers::{PostgresOptions, PostgresServer};
use certstore_core::{ErrorKind, Locker as _, MemoryStorage, Storage as _};
use certstore_postgres::{PostgresConfig, PostgresStorage};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::time::timeout;

use crate::support::proxy::Proxy;
use crate::{Database, config, key, name};

/// Nobody looks again by itself within the test.
fn lazy(mut config: PostgresConfig) -> PostgresConfig {
    config.lease = Duration::from_secs(60);
    config.poll_min = Some(Duration::from_secs(30));
    config.poll_max = Some(Duration::from_secs(30));
    config
}

/// Waits until a session other than `than` listens in the database, and returns its process.
async fn listening(database: &Database, than: &str) -> String {
    let sql = format!(
        "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = '{}'",
        database.name
    );
    loop {
        let found = database.sql(&sql);
        if let Some(pid) = found.split_whitespace().find(|pid| *pid != than) {
            return pid.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_wakes_who_waits_in_another_process() {
    let database = Database::new();
    let open = async || PostgresStorage::open(&lazy(database.config())).await.expect("opens");
    let (first, second) = (open().await, open().await);
    let mut times = Vec::new();
    for round in 0..30 {
        let lock = name(&format!("wake {round} \u{1f512} 'x'"));
        let held = first.lock(&lock).await.expect("free");
        let waiting = second.lock(&lock);
        let mut waiting = std::pin::pin!(waiting);
        // It has asked, and waits.
        assert!(timeout(Duration::from_millis(60), waiting.as_mut()).await.is_err());
        listening(&database, "").await;
        // Being told that listening has begun, it has looked again.
        assert!(timeout(Duration::from_millis(30), waiting.as_mut()).await.is_err());
        let began = Instant::now();
        held.unlock().await.expect("held");
        let next = timeout(Duration::from_secs(10), waiting).await.expect("woken").expect("free");
        times.push(began.elapsed());
        next.unlock().await.expect("held");
    }
    times.sort_unstable();
    eprintln!("hand-over: p50 {:?}, most {:?}", times[15], times[29]);
    assert!(times[15] < Duration::from_secs(1), "{times:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiter_is_woken_although_its_listener_was_cut() {
    let database = Database::new();
    let open = async || PostgresStorage::open(&lazy(database.config())).await.expect("opens");
    let (first, second) = (open().await, open().await);
    let lock = name("cut");
    let held = first.lock(&lock).await.expect("free");
    let mut waiting = std::pin::pin!(second.lock(&lock));
    assert!(timeout(Duration::from_millis(50), waiting.as_mut()).await.is_err());
    let mut cut = String::new();
    for _ in 0..2 {
        // A listener that was cut is replaced when its loss is seen, after a pause.
        cut = listening(&database, &cut).await;
        assert_eq!(database.sql(&format!("SELECT pg_terminate_backend({cut})")), "t");
        assert!(timeout(Duration::from_millis(50), waiting.as_mut()).await.is_err());
    }
    // Told while nobody listens: the new listener looks at once.
    held.unlock().await.expect("held");
    let next = timeout(Duration::from_secs(20), waiting).await.expect("woken").expect("free");
    next.unlock().await.expect("held");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_outlives_the_sessions_it_was_taken_on() {
    let database = Database::new();
    let mut config = database.config();
    config.lease = Duration::from_millis(1500);
    let storage = PostgresStorage::open(&config).await.expect("opens");
    let lock = storage.lock(&name("sessions")).await.expect("free");
    for _ in 0..4 {
        database.sql(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = '{}'",
            database.name
        ));
        tokio::time::sleep(Duration::from_millis(500)).await;
        lock.check().expect("renewed on a new session");
    }
    lock.unlock().await.expect("held");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_outlives_a_restart_of_the_server() {
    let server =
        PostgresServer::start(PostgresOptions { fsync: true, ..PostgresOptions::default() })
            .expect("a server");
    let mut config = config(&server.url("postgres"));
    config.lease = Duration::from_secs(12);
    let (storage, other) = (
        PostgresStorage::open(&config).await.expect("opens"),
        PostgresStorage::open(&config).await.expect("opens"),
    );
    let lock = storage.lock(&name("restart")).await.expect("free");
    storage.store_fenced(&key("a"), b"before", &lock).await.expect("stored");
    server.stop_immediate().expect("stops");
    let down = other.load(&key("a")).await.expect_err("it is down");
    assert_eq!(down.kind(), ErrorKind::Unavailable, "{down:?}");
    server.restart().expect("starts");
    assert!(
        other.try_lock(&name("restart")).await.expect("answers").is_none(),
        "the lock was lost"
    );
    assert_eq!(&other.load(&key("a")).await.expect("there")[..], b"before");
    tokio::time::sleep(Duration::from_secs(5)).await;
    lock.check().expect("renewed since");
    storage.store_fenced(&key("a"), b"after", &lock).await.expect("stored");
    lock.unlock().await.expect("held");
    let next = other.lock(&name("restart")).await.expect("free");
    let error =
        storage.store_fenced(&key("a"), b"late", &overtaken(&next)).await.expect_err("late");
    assert_eq!(error.kind(), ErrorKind::Fenced, "{error:?}");
    next.unlock().await.expect("held");
}

/// The guard of a holder of the same lock before.
fn overtaken(lock: &certstore_core::Lock) -> certstore_core::Lock {
    use certstore_core::{FencingToken, Lock, Release, Result, SystemClock, Validity};
    struct Nothing;
    #[async_trait::async_trait]
    impl Release for Nothing {
        async fn release(self: Box<Self>) -> Result<()> {
            Ok(())
        }
    }
    Lock::new(
        lock.name().clone(),
        FencingToken(lock.token().0 - 1),
        lock.locker_id().clone(),
        Validity::unlimited(std::sync::Arc::new(SystemClock)),
        Box::new(Nothing),
    )
}

/// A newer holder of another service's lock is not seen in this one's tables: it commits while an older one's bundle waits
/// for its rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bundle_is_fenced_by_rows_that_are_added_meanwhile() {
    let database = Database::new();
    let storage = PostgresStorage::open(&database.config()).await.expect("opens");
    let elsewhere = MemoryStorage::new();
    let new = elsewhere.lock(&name("job")).await.expect("free");
    let old = overtaken(&new);
    let keys = ["site/a.crt", "site/a.json", "site/a.key"].map(key);
    for written in [&keys[..1], &keys[1..2], &keys[..2], &keys[..]] {
        let url =
            format!("postgres://postgres@127.0.0.1:{}/{}", database.server.port(), database.name);
        let mut newer = PgConnection::connect(&url).await.expect("connects");
        newer.execute("BEGIN").await.expect("begun");
        for at in written {
            let insert = format!(
                "INSERT INTO certstore_entries (key, value, modified, version, stamp_locker, stamp_lock, stamp_token)
                 VALUES ('{at}', 'newer', now(), 1, '{}', 'job', {})",
                new.locker_id().as_str(),
                new.token()
            );
            newer.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(insert))).await.expect("added");
        }
        let items = keys.each_ref().map(|at| (at, &b"older"[..]));
        let mut storing = std::pin::pin!(storage.store_all_fenced(&items, &old));
        let waited = timeout(Duration::from_millis(500), storing.as_mut()).await;
        assert!(waited.is_err(), "the bundle did not wait: {waited:?}");
        newer.execute("COMMIT").await.expect("committed");
        let error = storing.await.expect_err("a newer holder has written");
        assert_eq!((error.kind(), error.may_have_applied()), (ErrorKind::Fenced, false));
        for at in &keys {
            let found = storage.load(at).await.ok();
            assert_eq!(found.is_some(), written.contains(at), "{at}");
            assert!(found.is_none_or(|found| found == "newer"));
        }
        storage.delete(&key("site")).await.expect("deleted");
    }
    new.unlock().await.expect("held");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_reply_of_a_claim_is_recognised() {
    let database = Database::new();
    let proxy = Proxy::start(database.server.port());
    let mut config = database.config_at(proxy.port());
    config.lease = Duration::from_secs(6);
    let storage = PostgresStorage::open(&config).await.expect("opens");
    proxy.mute();
    let lock = name("lost reply");
    let mut locking = std::pin::pin!(storage.lock(&lock));
    assert!(timeout(Duration::from_millis(300), locking.as_mut()).await.is_err());
    let held = "SELECT held FROM certstore_locks WHERE name = 'lost reply'";
    assert_eq!(database.sql(held), "t", "the claim took effect");
    proxy.cut();
    let guard = timeout(Duration::from_secs(5), locking).await.expect("in time").expect("ours");
    guard.unlock().await.expect("held");
    assert_eq!(database.sql(held), "f");
}

/// The setting that a commit was made with shows in what is on disk: asynchronous ones are not there yet.
#[tokio::test]
async fn only_the_release_commits_without_waiting_for_the_disk() {
    // The walwriter would write them a moment later: it sleeps for long here.
    let settings = [
        ("wal_writer_delay", "10s"),
        ("wal_writer_flush_after", "1GB"),
        ("synchronous_commit", "off"),
        ("wal_level", "minimal"),
        ("max_wal_senders", "0"),
        ("autovacuum", "off"),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let options = PostgresOptions { settings, fsync: true, ..PostgresOptions::default() };
    let server = PostgresServer::start(options).expect("a server");
    let mut config = config(&server.url("postgres"));
    let storage = PostgresStorage::open(&config).await.expect("opens");
    assert_eq!(storage.capabilities().durability, certstore_core::Durability::Acknowledged);
    config.layout = certstore_postgres::Layout::Caddy;
    let caddy = PostgresStorage::open(&config).await.expect("opens");
    let behind = || -> i64 {
        let text = server.sql(
            "postgres",
            "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn())::bigint",
        );
        text.expect("answers").trim().parse().expect("a number")
    };
    for round in 0..5 {
        let lock = storage.lock(&name("durable")).await.expect("free");
        assert_eq!(behind(), 0, "round {round}: the claim was not on disk");
        lock.unlock().await.expect("held");
        assert!(behind() > 0, "round {round}: the release waited for the disk");
        // The first time a new row, then one that is there.
        let lock = caddy.lock(&name("durable")).await.expect("free");
        assert_eq!(behind(), 0, "round {round}: the claim of Caddy's layout was not on disk");
        lock.unlock().await.expect("held");
    }
}
