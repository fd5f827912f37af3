//! TLS, with and without certificates of clients.

use certstore_conformance::servers::RedisOptions;
use certstore_core::{ErrorKind, Locker as _, Storage as _};
use certstore_redis::{RedisConfig, RedisStorage};

use crate::{config, key, name, open, start};

#[tokio::test]
async fn a_trusted_server() {
    let server = start(RedisOptions { tls: true, ..RedisOptions::default() });
    let [ca, ..] = server.tls_files().expect("files");
    let mut config = config(&server);
    assert!(config.tls, "rediss:// means TLS");
    let error = RedisStorage::open(&config).await.expect_err("its authority is unknown");
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error:?}");
    assert!(error.to_string().contains("ca_cert"), "{error:?}");
    config.ca_cert = Some(ca);
    let storage = open(&config).await;
    storage.store(&key("a"), b"1").await.expect("stored");
    storage.lock(&name("job")).await.expect("locked").unlock().await.expect("unlocked");
    config.ca_cert = Some("/no/such/file".into());
    let error = RedisStorage::open(&config).await.expect_err("there is no such file");
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error:?}");
    assert!(error.to_string().contains("/no/such/file"), "{error:?}");
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate() {
    let server =
        start(RedisOptions { tls: true, client_certificates: true, ..RedisOptions::default() });
    let [ca, cert, private] = server.tls_files().expect("files");
    let mut config = config(&server);
    config.ca_cert = Some(ca);
    let error = RedisStorage::open(&config).await.expect_err("it asks for a certificate");
    assert!(
        matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unavailable),
        "{error:?}"
    );
    config.client_cert = Some(cert);
    config.client_key = Some(private);
    open(&config).await.store(&key("a"), b"1").await.expect("stored");
}

#[tokio::test]
async fn one_side_without_tls() {
    let plain = start(RedisOptions::default());
    let mut config = config(&plain);
    config.tls = true;
    config.connect_timeout = std::time::Duration::from_secs(1);
    // Such a server waits for the end of what it takes for a command.
    let error = RedisStorage::open(&config).await.expect_err("the server speaks no TLS");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    let server = start(RedisOptions { tls: true, ..RedisOptions::default() });
    let mut config = RedisConfig::new("127.0.0.1", server.port());
    config.connect_timeout = std::time::Duration::from_secs(1);
    let error = RedisStorage::open(&config).await.expect_err("the server speaks TLS only");
    assert!(!error.to_string().is_empty() && !error.may_have_applied(), "{error:?}");
}
