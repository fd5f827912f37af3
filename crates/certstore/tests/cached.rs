//! `[storage.cache]` of a config, over a real server that is stopped and started again.

use std::path::Path;
use std::sync::Arc;

use certstore::caching::{Cache as _, CacheErrorKind};
use certstore::seal::{Algorithm, Existing, Keyset, OutputPrefix};
use certstore::{Config, Dir, ErrorKind, Key, MemoryStorage, open, open_cache};
use certstore_conformance::servers::{PostgresOptions, PostgresServer};

fn key(text: &str) -> Key {
    Key::new(text).expect("a key")
}

fn server() -> PostgresServer {
    PostgresServer::start(PostgresOptions::default()).expect("PostgreSQL starts")
}

/// A storage on the server, and the section of its copy.
fn config(server: &PostgresServer, cache: &str) -> Config {
    let url = server.url("postgres");
    let storage =
        format!("[storage]\nurl = \"{url}\"\ntimeout = \"2s\"\nconnect_timeout = \"2s\"\n");
    Config::from_toml(&format!("{storage}[storage.cache]\n{cache}")).expect("a config")
}

fn keyset(directory: &Path) -> String {
    let path = directory.join("keyset.json");
    let keyset = Keyset::create(Algorithm::Aes256Gcm, OutputPrefix::Tink).expect("a keyset");
    keyset.write(&path, Existing::Refuse).expect("written");
    format!("keyset = \"{}\"\n", path.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_go_on_while_the_server_is_down_and_it_recovers_by_itself() {
    let server = server();
    let at = key("certificates/ca/example.com/example.com.crt");
    let storage = open(&config(&server, "stale_limit = \"1h\"")).await.expect("opens");
    let brief = open(&config(&server, "stale_limit = \"1ms\"")).await.expect("opens");
    storage.store(&at, b"certificate").await.expect("stored");
    brief.load(&at).await.expect("loaded");

    server.process().expect("ours").kill().expect("killed");
    for _ in 0..5 {
        assert_eq!(&*storage.load(&at).await.expect("from the copy"), b"certificate");
    }
    let late = brief.load(&at).await.expect_err("the stated time is over");
    assert_eq!(late.kind(), ErrorKind::Unavailable);
    let unread = storage.load(&key("a/b")).await.expect_err("never read");
    assert_eq!(unread.kind(), ErrorKind::Unavailable);
    let refused = storage.store(&at, b"new").await.expect_err("nobody is there");
    assert_eq!((refused.kind(), refused.backend()), (ErrorKind::Unavailable, Some("postgres")));
    let locked = storage.lock(&"job".parse().expect("a name")).await.expect_err("no lock");
    assert_eq!(locked.kind(), ErrorKind::Unavailable, "{locked}");
    assert_eq!(&*storage.load(&at).await.expect("as before"), b"certificate");

    server.process().expect("ours").start_again().expect("started");
    storage.store(&at, b"renewed").await.expect("it recovers by itself");
    assert_eq!(&*storage.load(&at).await.expect("loaded"), b"renewed");
    assert_eq!(&*brief.load(&at).await.expect("loaded"), b"renewed");
    storage
        .lock(&"job".parse().expect("a name"))
        .await
        .expect("held")
        .unlock()
        .await
        .expect("free");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_starts_while_the_server_is_down_has_what_an_earlier_one_read() {
    let (server, home) = (server(), tempfile::tempdir().expect("a directory"));
    let path = home.path().join("copy");
    let section = format!("path = \"{}\"\n{}", path.display(), keyset(home.path()));
    let at = key("certificates/ca/example.com/example.com.key");
    {
        let earlier = open(&config(&server, &section)).await.expect("opens");
        earlier.store(&at, b"-----BEGIN PRIVATE KEY-----").await.expect("stored");
        earlier.load(&at).await.expect("loaded");
    }
    let written = std::fs::read(path.join("copies").join(at.as_str())).expect("a file");
    assert!(!written.windows(5).any(|part| part == b"BEGIN"), "the copy is sealed");

    server.process().expect("ours").kill().expect("killed");
    let storage = open(&config(&server, &section)).await.expect("the copy is enough to start");
    assert_eq!(&*storage.load(&at).await.expect("from the copy"), b"-----BEGIN PRIVATE KEY-----");
    let refused = storage.store(&at, b"new").await.expect_err("nobody is there");
    assert_eq!((refused.kind(), refused.subject()), (ErrorKind::Unavailable, Some(at.as_str())));
    // Without the keyset there is nothing to serve, and so nothing to start from.
    let alone = format!("path = \"{}\"", home.path().join("other").display());
    let unavailable = open(&config(&server, &alone)).await.map(drop).expect_err("nothing answers");
    assert_eq!(unavailable.kind(), ErrorKind::Unavailable);

    server.process().expect("ours").start_again().expect("started");
    storage.store(&at, b"renewed").await.expect("it is opened now");
    assert_eq!(&*storage.load(&at).await.expect("loaded"), b"renewed");
    assert!(storage.list(&Dir::ROOT, true).await.expect("listed").contains(&at));
    assert_eq!(storage.capabilities().cas, certstore::Cas::Full, "what the backend declares");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_to_read_only_is_copied_all_the_same() {
    let server = server();
    let at = key("a/b");
    let url = server.url("postgres");
    let writer = open(&Config::from_url(&url).expect("a URL")).await.expect("opens");
    writer.store(&at, b"1").await.expect("stored");
    let text = format!(
        "[storage]\nurl = \"{url}\"\nread_only = true\ntimeout = \"2s\"\n[storage.cache]\n"
    );
    let config = Config::from_toml(&text).expect("a config");
    assert!(config.is_read_only() && config.is_cached() && !config.without_cache().is_cached());
    let storage = open(&config).await.expect("opens");
    assert_eq!(&*storage.load(&at).await.expect("loaded"), b"1");
    for refused in [
        storage.store(&at, b"2").await.map(drop).expect_err("read only"),
        storage.delete(&at).await.expect_err("read only"),
        storage.lock(&"job".parse().expect("a name")).await.map(drop).expect_err("read only"),
    ] {
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
        assert!(refused.to_string().contains("read_only"), "{refused}");
    }
    let cache = open_cache(&config, Arc::new(MemoryStorage::new())).await.expect("opens");
    let refused = cache.put("example.com", b"1").await.expect_err("read only");
    assert_eq!(refused.kind(), CacheErrorKind::ReadonlyCache);
    server.process().expect("ours").kill().expect("killed");
    assert_eq!(&*storage.load(&at).await.expect("from the copy"), b"1");
}
