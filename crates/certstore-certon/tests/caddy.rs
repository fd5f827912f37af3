//! What Caddy wrote, read by certon.

#![cfg(unix)]

use std::process::Command;
use std::sync::Arc;

use certon::Storage;
use certon::storage::load_certificate;
use certstore_certon::CertstoreStorage;

const DATA: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../certstore-cli/tests/fixtures/caddy-data");
/// The key of the CA in the data, as CertMagic makes it of the CA's URL.
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
    assert_eq!(listed, ["certificates/127.0.0.1-14000-dir", "certificates/local"]);

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
        let crt = storage.stat(&certon::StorageKeys::new(ca, domain).cert).await.unwrap();
        assert_eq!(crt.size, found.certificate_pem.len() as u64);
    }
}
