//! Connections: those of the locks, and those that have died without a word.

use std::sync::Arc;
use std::time::{Duration, Instant};

use certstore_core::{Locker as _, Storage as _};
use certstore_postgres::PostgresStorage;
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::support::proxy::Proxy;
use crate::{Database, key, name};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fenced_stores_do_not_keep_their_lock_from_being_renewed() {
    let database = Database::new();
    let mut config = database.config();
    config.lease = Duration::from_secs(1);
    let storage = Arc::new(PostgresStorage::open(&config).await.expect("opens"));
    let lock = Arc::new(storage.lock(&name("busy")).await.expect("free"));
    let until = Instant::now() + Duration::from_secs(5);
    let tasks: Vec<_> = (0..9)
        .map(|task| {
            let (storage, lock) = (storage.clone(), lock.clone());
            tokio::spawn(async move {
                let (at, mut stored) = (key(&format!("fenced/{task}")), 0_u32);
                while Instant::now() < until {
                    storage.store_fenced(&at, b"x", &lock).await.expect("the lock is held");
                    stored += 1;
                }
                stored
            })
        })
        .collect();
    for task in tasks {
        assert!(task.await.expect("runs") > 0);
    }
    lock.check().expect("renewed all the time");
    Arc::into_inner(lock).expect("nobody else's").unlock().await.expect("held");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_is_renewed_while_calls_on_values_have_every_connection() {
    let database = Database::new();
    let mut config = database.config();
    config.lease = Duration::from_secs(1);
    config.max_connections = 1;
    for layout in [certstore_postgres::Layout::Certstore, certstore_postgres::Layout::Caddy] {
        config.layout = layout;
        let storage = PostgresStorage::open(&config).await.expect("opens");
        storage.store(&key("a"), b"old").await.expect("stored");
        let lock = storage.lock(&name("job")).await.expect("free");
        let url =
            format!("postgres://postgres@127.0.0.1:{}/{}", database.server.port(), database.name);
        let mut other = PgConnection::connect(&url).await.expect("connects");
        let table = match layout {
            certstore_postgres::Layout::Caddy => "caddy_certmagic_objects",
            _ => "certstore_entries",
        };
        other.execute("BEGIN").await.expect("begun");
        let blocking = sqlx::AssertSqlSafe(format!("SELECT FROM {table} FOR UPDATE"));
        other.execute(sqlx::raw_sql(blocking)).await.expect("locked");
        let at = key("a");
        let mut storing = std::pin::pin!(storage.store(&at, b"new"));
        let waited = tokio::time::timeout(Duration::from_secs(3), storing.as_mut()).await;
        assert!(waited.is_err(), "the store was not blocked");
        lock.check().expect("renewed meanwhile");
        other.execute("ROLLBACK").await.expect("given up");
        storing.await.expect("stored");
        lock.unlock().await.expect("held");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_went_silent_cost_one_question() {
    let database = Database::new();
    let proxy = Proxy::start(database.server.port());
    let mut config = database.config_at(proxy.port());
    config.timeout = Duration::from_secs(3);
    let storage = PostgresStorage::open(&config).await.expect("opens");
    let at = key("a");
    storage.store(&at, b"x").await.expect("stored");
    // Ten at a time, so that ten connections rest.
    let loads = (0..10).map(|_| storage.load(&at));
    for loaded in futures_util::future::join_all(loads).await {
        loaded.expect("there");
    }
    proxy.silence();
    // The first call gives a connection up, which makes the others suspect.
    storage.load(&at).await.expect_err("no answer");
    let began = Instant::now();
    storage.load(&at).await.expect("on a new connection");
    assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
    let began = Instant::now();
    storage.load(&at).await.expect("there");
    assert!(began.elapsed() < Duration::from_millis(400), "{:?}", began.elapsed());
}
