use std::time::{Duration, SystemTime, UNIX_EPOCH};

use certstore_core::{Dir, ErrorKind, Key, Storage};

use super::test_data::caddy_storage;
use super::{InventoryOptions, KeyMatch, certs};

/// 2026-11-22 01:00:00 UTC, half an hour after the certificates were made.
fn soon_after() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_309_200)
}

fn options() -> InventoryOptions {
    InventoryOptions { now: soon_after(), ..InventoryOptions::default() }
}

#[tokio::test]
async fn caddys_certificates_with_names_dates_and_matching_keys() {
    let sites = InventoryOptions { dir: Dir::new("certificates").unwrap(), ..options() };
    let rows = certs(&caddy_storage().await, &sites).await.unwrap();
    let found: Vec<_> = rows
        .iter()
        .map(|row| {
            let details = row.details.as_ref().unwrap();
            assert_eq!(row.key, KeyMatch::Yes, "{:?}", row.certificate);
            assert_eq!(
                (row.error.as_deref(), details.chain_length, details.authority),
                (None, 2, false)
            );
            (
                details.names.join(","),
                details.not_after.as_str(),
                details.days_left,
                details.key_type.as_str(),
            )
        })
        .collect();
    let p256 = "ECDSA P-256";
    let expected = [
        ("127.0.0.1", "2026-11-22T12:31:42Z", 0, p256),
        ("internal.example.test", "2026-11-22T12:31:42Z", 0, p256),
        ("*.wild.example.test", "2026-11-22T12:31:42Z", 0, p256),
        ("caddy2.example.test", "2031-11-22T00:31:43Z", 1825, p256),
        ("caddy1.example.test", "2031-11-22T00:31:44Z", 1825, p256),
        ("rsa.example.test", "2031-11-22T00:31:47Z", 1825, "RSA 2048"),
        ("xn--bcher-kva.example.test", "2031-11-22T00:31:47Z", 1825, p256),
        ("a.ondemand.example.test", "2031-11-22T00:31:53Z", 1825, p256),
    ];
    assert_eq!(found, expected.map(|(name, until, days, key)| (name.to_owned(), until, days, key)));
    let rsa = rows[5].details.as_ref().unwrap();
    assert_eq!(
        (rsa.serial.as_str(), rsa.issuer.as_str()),
        ("54C8A917D936340F", "Pebble Intermediate CA 73dcc8")
    );
    assert_eq!(
        (rsa.not_before.as_str(), rsa.common_name.as_deref()),
        ("2026-11-22T00:31:48Z", Some("rsa.example.test"))
    );
    assert_eq!(rows[0].details.as_ref().unwrap().common_name, None);
}

#[tokio::test]
async fn authorities_are_marked() {
    let rows = certs(&caddy_storage().await, &options()).await.unwrap();
    let authorities: Vec<_> =
        rows.iter().filter(|row| row.details.as_ref().unwrap().authority).collect();
    assert_eq!((rows.len(), authorities.len()), (10, 2));
    assert!(authorities.iter().all(|row| row.key == KeyMatch::Yes), "{authorities:?}");
}

#[tokio::test]
async fn broken_certificates_are_rows_with_an_error() {
    let storage = caddy_storage().await;
    let site = "certificates/local/internal.example.test/internal.example.test";
    let (crt, key) =
        (Key::new(&format!("{site}.crt")).unwrap(), Key::new(&format!("{site}.key")).unwrap());
    let whole = storage.load(&crt).await.unwrap();
    for (value, part) in [
        (&b"garbage\0\xff\n"[..], "no certificate"),
        (b"", "no certificate"),
        (&whole[..400], "PEM is damaged"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read"),
        (b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", "PEM is damaged"),
    ] {
        storage.store(&crt, value).await.unwrap();
        let rows = certs(&storage, &options()).await.unwrap();
        assert_eq!(rows.len(), 10);
        let broken = rows.last().unwrap();
        assert_eq!((&broken.certificate, broken.details.is_none()), (&crt, true));
        let error = broken.error.as_deref().unwrap();
        assert!(error.contains(part) && !error.contains('\n'), "{part}: {error}");
        assert!(broken.expires_within(0, soon_after()), "what cannot be read needs attention");
    }
    storage.store(&crt, &whole).await.unwrap();
    storage.store(&key, b"garbage").await.unwrap();
    let of_site = |rows: Vec<super::CertificateRow>| {
        rows.into_iter().find(|row| row.certificate == crt).unwrap()
    };
    let row = of_site(certs(&storage, &options()).await.unwrap());
    assert!(matches!(row.key, KeyMatch::Unknown(_)) && row.error.is_some(), "{row:?}");
    storage.delete(&key).await.unwrap();
    let row = of_site(certs(&storage, &options()).await.unwrap());
    assert_eq!((row.key, row.private_key, row.error), (KeyMatch::Missing, None, None));
}

#[tokio::test]
async fn another_certificates_key_does_not_match() {
    let storage = caddy_storage().await;
    let dir = "certificates/127.0.0.1-14000-dir";
    let other = storage
        .load(&format!("{dir}/caddy1.example.test/caddy1.example.test.key").parse().unwrap())
        .await
        .unwrap();
    storage
        .store(&format!("{dir}/rsa.example.test/rsa.example.test.key").parse().unwrap(), &other)
        .await
        .unwrap();
    let only = InventoryOptions {
        dir: Dir::new(&format!("{dir}/rsa.example.test")).unwrap(),
        ..options()
    };
    let rows = certs(&storage, &only).await.unwrap();
    assert_eq!((rows.len(), &rows[0].key), (1, &KeyMatch::No));
    let json = serde_json::to_value(&rows[0]).unwrap();
    assert_eq!((&json["key_found"], &json["key_matches"]), (&true.into(), &false.into()));
    let missing = InventoryOptions { dir: Dir::new("certificates/none").unwrap(), ..options() };
    assert_eq!(certs(&storage, &missing).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn json_always_has_every_field() {
    let storage = caddy_storage().await;
    storage.store(&"certificates/x/y/y.crt".parse().unwrap(), b"garbage").await.unwrap();
    let rows = certs(&storage, &options()).await.unwrap();
    let names = |row| match serde_json::to_value(row).unwrap() {
        serde_json::Value::Object(fields) => fields.keys().cloned().collect::<Vec<_>>(),
        other => panic!("{other}"),
    };
    assert_eq!(names(&rows[0]), names(rows.last().unwrap()), "a broken row has the same fields");
}

#[test]
fn every_label_of_private_keys_is_read() {
    // An Ed25519 key in PKCS#8 under CertMagic's own label, with its certificate's public key.
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/keys");
    let public = std::fs::read(format!("{folder}/ed25519.spki.der")).unwrap();
    for file in ["ed25519-pkcs8.pem", "ed25519-certmagic.pem"] {
        let pem = std::fs::read(format!("{folder}/{file}")).unwrap();
        assert_eq!(super::matches(&pem, &public), KeyMatch::Yes, "{file}");
    }
    let public = std::fs::read(format!("{folder}/p384.spki.der")).unwrap();
    for file in ["p384-sec1.pem", "p384-pkcs8.pem"] {
        let pem = std::fs::read(format!("{folder}/{file}")).unwrap();
        assert_eq!(super::matches(&pem, &public), KeyMatch::Yes, "{file}");
    }
    let encrypted =
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    assert!(
        matches!(super::matches(encrypted, &public), KeyMatch::Unknown(why) if why.contains("password"))
    );
}
