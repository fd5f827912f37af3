//! Faults: each a typed error on one line, within the limits, and over when its cause is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use certstore_conformance::servers::{PostgresOptions, PostgresServer};
use certstore_core::{Error, ErrorKind, Storage as _};
use certstore_postgres::PostgresStorage;

use crate::support::proxy::Proxy;
use crate::{Database, config, fails_to_open, key};

#[tokio::test]
async fn what_is_wrong_at_open_is_told() {
    let database = Database::new();
    let port = database.server.port();
    let role = format!("login_{}", database.name);
    database.server.create_role(&role, "right").expect("a role");
    let cases = [
        (
            format!("postgres://{role}:wrong@127.0.0.1:{port}/{}", database.name),
            ErrorKind::PermissionDenied,
            "password",
        ),
        (
            format!("postgres://nobody:x@127.0.0.1:{port}/{}", database.name),
            ErrorKind::PermissionDenied,
            "password",
        ),
        (
            format!("postgres://postgres@127.0.0.1:{port}/missing"),
            ErrorKind::InvalidConfig,
            "no database",
        ),
        (
            format!("postgres://postgres@127.0.0.1:1/{}", database.name),
            ErrorKind::Unavailable,
            "no server listens",
        ),
        (
            format!("postgres://postgres@does-not-exist.invalid:{port}/x"),
            ErrorKind::Unavailable,
            "name",
        ),
        (
            format!("postgres://postgres@127.0.0.1:{port}/{}?schema=missing", database.name),
            ErrorKind::InvalidConfig,
            "schema",
        ),
        (
            format!("postgres://postgres@127.0.0.1:{port}/x?sslmode=require"),
            ErrorKind::InvalidConfig,
            "encrypted",
        ),
    ];
    for (url, kind, word) in cases {
        let error = fails_to_open(&config(&url)).await;
        assert_eq!(error.kind(), kind, "{url}: {error:?}");
        assert!(error.to_string().contains(word), "{url}: {error}");
        assert!(!error.may_have_applied(), "{url}: {error:?}");
    }
    drop(database.server.sql("postgres", &format!("DROP ROLE {role}")));
}

#[tokio::test]
async fn a_silent_server_is_given_up_within_the_limit() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut config = config(&format!(
        "postgres://a@127.0.0.1:{}/a",
        listener.local_addr().expect("bound").port()
    ));
    config.connect_timeout = Duration::from_millis(300);
    let began = Instant::now();
    let error = fails_to_open(&config).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_lost_reply_may_have_applied() {
    let database = Database::new();
    let proxy = Proxy::start(database.server.port());
    let mut config = database.config_at(proxy.port());
    config.timeout = Duration::from_millis(500);
    let storage = PostgresStorage::open(&config).await.expect("opens");
    storage.store(&key("a"), b"old").await.expect("stored");
    proxy.mute();
    let began = Instant::now();
    let error = storage.store(&key("a"), b"new").await.expect_err("no reply");
    assert!(began.elapsed() < Duration::from_secs(3));
    assert!(error.is_retryable() && error.may_have_applied(), "{error:?}");
    let error = storage.load(&key("a")).await.expect_err("no reply");
    assert!(error.is_retryable() && !error.may_have_applied(), "{error:?}");
    proxy.cut();
    // It did apply; and reads go on by themselves.
    assert_eq!(&storage.load(&key("a")).await.expect("there")[..], b"new");
}

#[tokio::test]
async fn reads_survive_dead_sessions_and_writes_never_run_twice() {
    let database = Database::new();
    let storage = database.open().await;
    let end_sessions = || {
        database.sql(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = '{}'",
            database.name
        ))
    };
    storage.store(&key("a"), b"0").await.expect("stored");
    for round in 0..5_u8 {
        end_sessions();
        storage.load(&key("a")).await.expect("on a new session");
        end_sessions();
        if let Err(error) = storage.store(&key("a"), &[round]).await {
            assert!(error.is_retryable(), "{error:?}");
            storage.store(&key("a"), &[round]).await.expect("on a new session");
        }
        assert_eq!(&storage.load(&key("a")).await.expect("there")[..], [round]);
    }
}

#[tokio::test]
async fn too_many_connections_are_told_and_waited_for() {
    let settings = vec![("max_connections".to_owned(), "8".to_owned())];
    let server = PostgresServer::start(PostgresOptions { settings, ..PostgresOptions::default() })
        .expect("a server");
    server.create_role("limited", "x").expect("a role");
    server.sql("postgres", "GRANT CREATE ON SCHEMA public TO limited").expect("granted");
    let url = format!("postgres://limited:x@127.0.0.1:{}/postgres", server.port());
    let mut open = Vec::new();
    let error: Error = loop {
        // Three of the eight are kept for superusers.
        assert!(open.len() < 8, "no limit was met");
        match PostgresStorage::open(&config(&url)).await {
            Ok(storage) => open.push(storage),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.to_string().contains("max_connections"), "{error}");
    open.pop();
    // The server notices the end of a session a moment later.
    for attempt in 0.. {
        match PostgresStorage::open(&config(&url)).await {
            Ok(_) => break,
            Err(error) => assert!(attempt < 100, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // One storage's own limit only makes callers wait.
    let mut one = config(&server.url("postgres"));
    one.max_connections = 1;
    let storage = PostgresStorage::open(&one).await.expect("opens");
    let (a, b) = (key("a"), key("b"));
    let (first, second) = tokio::join!(storage.store(&a, b"1"), storage.store(&b, b"2"));
    first.expect("stored");
    second.expect("stored");
}

#[tokio::test]
async fn who_may_only_read_is_told() {
    let database = Database::new();
    database.open().await.store(&key("a"), b"x").await.expect("stored");
    let role = format!("reader_{}", database.name);
    database.server.create_role(&role, "x").expect("a role");
    database.sql(&format!(
        "GRANT SELECT ON certstore_entries, certstore_locks, certstore_meta TO {role}"
    ));
    let url = format!("postgres://{role}:x@127.0.0.1:{}/{}", database.server.port(), database.name);
    let storage = PostgresStorage::open(&config(&url)).await.expect("opens for reading");
    assert_eq!(&storage.load(&key("a")).await.expect("there")[..], b"x");
    let error = storage.store(&key("a"), b"y").await.expect_err("no right");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    assert!(!error.may_have_applied());
    database.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    // As on a standby.
    let storage = database.open().await;
    database
        .sql(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name));
    let other = database.open().await;
    let error = other.store(&key("a"), b"y").await.expect_err("read-only");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    assert!(error.to_string().contains("primary"), "{error}");
    storage.load(&key("a")).await.expect("there");
}

/// Bundles whose halves name the same generation, written without a pause by several clients until told to stop.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crash_in_the_middle_of_writes_leaves_nothing_half_done() {
    let server =
        PostgresServer::start(PostgresOptions { fsync: true, ..PostgresOptions::default() })
            .expect("a server");
    let config = config(&server.url("postgres"));
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    for writer in 0..4_u32 {
        let storage = PostgresStorage::open(&config).await.expect("opens");
        let stop = stop.clone();
        writers.push(tokio::spawn(async move {
            let (cert, private) =
                (key(&format!("b{writer}/x.crt")), key(&format!("b{writer}/x.key")));
            let (mut confirmed, mut failures) = (0_u64, 0_u32);
            for generation in 1_u64.. {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let value = generation.to_string().repeat(2000);
                match storage
                    .store_all(&[(&cert, value.as_bytes()), (&private, value.as_bytes())])
                    .await
                {
                    Ok(()) => confirmed = generation,
                    Err(error) => {
                        assert!(error.is_retryable(), "{error:?}");
                        failures += 1;
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
                let halves = storage.load_bundle(&[&cert, &private]).await;
                if let Ok(halves) = halves {
                    assert_eq!(halves[0], halves[1], "writer {writer}");
                }
            }
            (storage, cert, private, confirmed, failures)
        }));
    }
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        server.stop_immediate().expect("stops");
        server.restart().expect("starts");
    }
    tokio::time::sleep(Duration::from_millis(400)).await;
    stop.store(true, Ordering::SeqCst);
    for writer in writers {
        let (storage, cert, private, confirmed, failures) = writer.await.expect("runs");
        let halves = storage.load_bundle(&[&cert, &private]).await.expect("recovered");
        assert_eq!(halves[0], halves[1]);
        let found = String::from_utf8(halves[0].to_vec()).expect("digits");
        let digits = found.len() / 2000;
        let generation: u64 = found[..digits].parse().expect("a number");
        assert!(generation >= confirmed, "what was confirmed is lost: {generation} < {confirmed}");
        assert!(confirmed > 1 && failures > 0, "{confirmed} confirmed, {failures} failed");
    }
}

#[tokio::test]
async fn a_value_over_the_limit_is_refused_before_it_is_sent() {
    let database = Database::new();
    let proxy = Proxy::start(database.server.port());
    let storage = PostgresStorage::open(&database.config_at(proxy.port())).await.expect("opens");
    let limit = storage.capabilities().max_value.expect("a limit");
    let value = vec![0; usize::try_from(limit).expect("fits") + 1];
    let before = proxy.round_trips();
    let error = storage.store(&key("large"), &value).await.expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
    assert_eq!(proxy.round_trips(), before);
}

#[tokio::test]
async fn an_encrypted_connection_checks_the_server() {
    let server = PostgresServer::start(PostgresOptions { tls: true, ..PostgresOptions::default() })
        .expect("a server");
    let url = format!("{}?sslmode=verify-full", server.url("postgres"));
    let mut config = config(&url);
    let error = fails_to_open(&config).await;
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error:?}");
    config.ca_cert = Some(server.ca_file().expect("a file"));
    let storage = PostgresStorage::open(&config).await.expect("opens");
    storage.store(&key("a"), b"x").await.expect("stored");
    let encrypted = server.sql(
        "postgres",
        "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'certstore'",
    );
    assert_eq!(encrypted.expect("answers"), "t");
}
