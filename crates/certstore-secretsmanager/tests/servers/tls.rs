//! An endpoint with TLS: whose certificate is trusted, and what is said of one that is not.

use certstore_conformance::servers::TlsTerminator;
use certstore_core::{ErrorKind, Storage as _};
use certstore_secretsmanager::SecretsManagerStorage;

use crate::rig::{Rig, key, open, refused, soon};

async fn before(rig: &Rig, name: &str) -> TlsTerminator {
    let tls = TlsTerminator::before(&rig.server.endpoint(), name).await;
    tls.expect("a port is free")
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_when_it_is_named() {
    let rig = Rig::start();
    let tls = before(&rig, "localhost").await;
    let mut config = rig.config();
    config.endpoint = Some(tls.endpoint());
    config.ca_cert = Some(tls.ca_cert().to_owned());
    let storage = open(&config).await;
    storage.store(&key("a"), b"value").await.unwrap();
    assert_eq!(storage.load(&key("a")).await.unwrap(), "value");
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_told() {
    let rig = Rig::start();
    let tls = before(&rig, "localhost").await;
    let mut config = rig.config();
    config.endpoint = Some(tls.endpoint());
    let error = refused(soon(SecretsManagerStorage::open(&config)).await, ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("certificate is not trusted"), "{error}");
    assert_eq!(rig.server.requests().total(), 0);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_told() {
    let rig = Rig::start();
    let tls = before(&rig, "elsewhere.example").await;
    let mut config = rig.config();
    config.endpoint = Some(tls.endpoint());
    config.ca_cert = Some(tls.ca_cert().to_owned());
    let error = refused(soon(SecretsManagerStorage::open(&config)).await, ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("certificate"), "{error}");
    assert_eq!(rig.server.requests().total(), 0);
}
