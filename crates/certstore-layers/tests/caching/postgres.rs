//! A real server that is stopped, and started again.

use std::sync::Arc;
use std::time::Duration;

use certstore_conformance::servers::{PostgresOptions, PostgresServer};
use certstore_core::{ErrorKind, MemoryStorage, OsRandom, Storage as _};
use certstore_layers::caching::{CachingOptions, CachingStore, CopyOptions};
use certstore_postgres::{PostgresConfig, PostgresStorage};

use crate::clock::TestClock;
use crate::support::{key, logs};

#[tokio::test]
async fn reads_outlive_the_server_and_it_recovers_by_itself() {
    let (lines, _guard) = logs();
    let server = PostgresServer::start(PostgresOptions::default()).expect("a server");
    let mut config = PostgresConfig::from_url(&server.url("postgres")).expect("a URL");
    config.timeout = Duration::from_secs(2);
    let backing = Arc::new(PostgresStorage::open(&config).await.expect("opens"));
    let clock = TestClock::new();
    let limit = Duration::from_secs(3600);
    let options = CachingOptions::new()
        .copy(CopyOptions::new().stale_limit(limit))
        .parts(clock.clone(), Arc::new(OsRandom));
    let local = Arc::new(MemoryStorage::new());
    let store = CachingStore::open(local, backing.clone(), &options).await.expect("opens");
    let at = key("certificates/ca/example.com/example.com.crt");
    backing.store(&at, b"certificate").await.expect("stored");
    assert_eq!(&*store.load(&at).await.expect("loaded"), b"certificate");

    server.process().expect("ours").kill().expect("killed");
    for _ in 0..5 {
        assert_eq!(&*store.load(&at).await.expect("from the copy"), b"certificate");
        clock.advance(Duration::from_secs(60));
    }
    let refused = store.store(&at, b"new").await.expect_err("nobody is there");
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert_eq!(refused.backend(), Some("postgres"));
    clock.advance(limit);
    let late = store.load(&at).await.expect_err("too old");
    assert_eq!(late.kind(), ErrorKind::Unavailable);

    server.process().expect("ours").start_again().expect("started");
    store.store(&at, b"renewed").await.expect("it recovers by itself");
    assert_eq!(&*store.load(&at).await.expect("loaded"), b"renewed");
    assert_eq!(&*backing.load(&at).await.expect("loaded"), b"renewed");
    let told = lines.lock().unwrap().clone();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("does not answer") && told[1].contains("answers again"), "{told:?}");
}
