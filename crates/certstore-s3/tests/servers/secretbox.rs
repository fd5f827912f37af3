//! Values that techknowlogick/certmagic-s3 has sealed, read for migration.

use certstore_core::{Dir, ErrorKind, Secret, Storage as _};
use futures_util::TryStreamExt as _;

use crate::rig::{Rig, key, open, refused};

/// `x`, sealed by libsodium with the key below and the nonce 0, 1, 2 and so on to 23.
const SEALED: [u8; 41] = [
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
    0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x52, 0x13, 0x9d, 0x76, 0x66, 0x86, 0x39, 0x73,
    0x44, 0x70, 0x45, 0x13, 0x90, 0xe7, 0xca, 0xcb, 0xb4,
];

#[tokio::test]
async fn sealed_values_are_read_and_nothing_is_written() {
    let rig = Rig::start();
    rig.put("p/certificates/ca/a/a.key", &SEALED).await;
    rig.put("p/certificates/ca/a/a.crt", b"-----BEGIN CERTIFICATE----- not sealed at all").await;
    rig.put("p/issue_cert_a.lock", b"2026-01-02T03:04:05+01:00").await;
    let mut config = rig.config();
    config.secretbox_key = Some(Secret::new("0123456789abcdef0123456789abcdef"));
    let storage = open(&config).await;

    let at = key("certificates/ca/a/a.key");
    assert_eq!(storage.load(&at).await.unwrap(), "x");
    assert_eq!(storage.stat(&at).await.unwrap().size, Some(1));
    let error = refused(storage.load(&key("certificates/ca/a/a.crt")).await, ErrorKind::Corrupt);
    assert_eq!(error.subject(), Some("certificates/ca/a/a.crt"));
    let walked: Vec<_> = storage.walk(&Dir::ROOT).try_collect().await.unwrap();
    assert!(walked.iter().all(|info| info.size.is_none()), "a list does not know the plain size");

    assert_eq!(storage.list(&Dir::ROOT, false).await.unwrap(), [key("certificates")]);
    assert_eq!(storage.foreign(&Dir::ROOT).await.unwrap(), ["issue_cert_a.lock"]);
    refused(storage.store(&at, b"y").await, ErrorKind::Unsupported);
    refused(storage.delete(&at).await, ErrorKind::Unsupported);
    refused(storage.store_all(&[(&at, b"y")]).await, ErrorKind::Unsupported);
    assert_eq!(rig.body("p/certificates/ca/a/a.key").await, SEALED);
}
