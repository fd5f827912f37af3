//! What Caddy wrote, read by certmagic.

#![cfg(unix)]

use std::process::Command;
use std::sync::Arc;

use certmagic::storage::{STORAGE_KEYS, load_certificate};
use certmagic::{AcmeIssuer, Cache, CacheOptions, Config, ConfigOptions, Storage};
use certstore_certmagic::CertstoreStorage;

const DATA: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../certstore-cli/tests/fixtures/caddy-data");
/// The key of the CA in the data, as CertMagic for Go makes it of the CA's URL.
const CA: &str = "127.0.0.1-14000-dir";

#[tokio::test]
async fn certificates_of_caddy_are_read_with_their_keys() {
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").arg("-r").arg(DATA).arg(folder.path()).status().unwrap();
    assert!(copied.success());
    let url = format!("file://{}/caddy-data", folder.path().display());
    let storage = CertstoreStorage::new(certstore::open_url(&url).await.unwrap());
    let storage: Arc<dyn Storage> = Arc::new(storage);
    let listed = storage.list("certificates", false).await.unwrap();
    assert_eq!(listed, ["certificates/127.0.0.1-14000-dir/", "certificates/local/"]);

    for (ca, domain) in [
        (CA, "caddy1.example.test"),
        (CA, "rsa.example.test"),
        (CA, "bücher.example.test"),
        ("local", "*.wild.example.test"),
    ] {
        let found = load_certificate(&*storage, ca, domain).await.unwrap();
        assert_eq!(found.sans.len(), 1, "{domain}");
        assert!(found.certificate_pem.starts_with(b"-----BEGIN CERTIFICATE-----"));
        assert!(found.private_key_pem.starts_with(b"-----BEGIN"));
        let crt = storage.stat(&STORAGE_KEYS.site_cert(ca, domain)).await.unwrap();
        assert_eq!(crt.size, found.certificate_pem.len() as u64);
    }

    // With the CA's key as Go makes it, certmagic goes on with Caddy's certificates.
    let issuer = AcmeIssuer { issuer_key_override: Some(CA.to_owned()), ..AcmeIssuer::default() };
    let options = ConfigOptions {
        issuers: vec![Arc::new(issuer)],
        storage: Some(storage),
        ..ConfigOptions::default()
    };
    let config = Config::new(Cache::new(CacheOptions::default()).unwrap(), options).unwrap();
    let (_, _, certificate) =
        config.load_cert_resource_any_issuer("caddy1.example.test").await.unwrap();
    assert_eq!(certificate.names, ["caddy1.example.test"]);
}
