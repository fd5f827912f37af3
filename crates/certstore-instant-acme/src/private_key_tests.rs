use rcgen::{CertificateParams, SigningKey as _};

use super::*;

/// As OpenSSL and Go write them; made for this test.
const SEC1: &str = include_str!("../tests/fixtures/p256-sec1.pem");
const RSA: &str = include_str!("../tests/fixtures/rsa2048-pkcs1.pem");
const ED25519: &str = include_str!("../tests/fixtures/ed25519-go.pem");

#[test]
fn keys_are_made_of_every_kind_that_ring_makes() {
    for kind in [KeyType::P256, KeyType::P384, KeyType::Ed25519] {
        let key = PrivateKey::generate(kind).expect("a key");
        assert_eq!(key.kind(), kind);
        let read = PrivateKey::from_pem(key.pem().expose()).expect("its own text");
        assert_eq!(read.der_bytes(), key.der_bytes());
    }
}

#[cfg(feature = "rsa")]
#[test]
fn an_rsa_key_that_is_made_signs() {
    let key = PrivateKey::generate(KeyType::Rsa).expect("a key");
    assert_eq!(key.kind(), KeyType::Rsa);
    assert!(key.pem().expose().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    assert_eq!(key.sign(b"message").expect("a signature").len(), 2048 / 8);
    let other = PrivateKey::generate(KeyType::Rsa).expect("a key");
    assert_ne!(key.der_bytes(), other.der_bytes());
}

#[cfg(not(feature = "rsa"))]
#[test]
fn no_rsa_key_is_made_and_the_error_says_what_to_do() {
    let error = PrivateKey::generate(KeyType::Rsa).expect_err("ring makes none");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("switch it on, import one"), "{error}");
}

#[test]
fn what_others_write_is_read_and_signs() {
    for (pem, kind) in [(SEC1, KeyType::P256), (RSA, KeyType::Rsa), (ED25519, KeyType::Ed25519)] {
        let key = PrivateKey::from_pem(pem).expect("a key");
        assert_eq!(key.kind(), kind);
        assert!(!key.sign(b"message").expect("a signature").is_empty());
        // rcgen's request carries the public key and a signature that it does not check; x509-parser does.
        let request = CertificateParams::new(["example.com".to_owned()])
            .and_then(|params| params.serialize_request(&key))
            .expect("a request");
        let (_, parsed) =
            x509_parser::certification_request::X509CertificationRequest::from_der(request.der())
                .expect("DER");
        parsed.verify_signature().expect("the key's own signature");
    }
}

#[test]
fn what_is_no_key_is_refused_and_shows_nothing() {
    for pem in ["", "hello", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        let error = PrivateKey::from_pem(pem).expect_err("no key");
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
    let key = PrivateKey::from_pem(SEC1).expect("a key");
    let shown = format!("{key:?}");
    assert!(!shown.contains("BEGIN") && shown.contains("P256"), "{shown}");
}
