use rustls::{SignatureAlgorithm, SignatureScheme};

use super::*;

/// Made for these tests: `openssl ecparam -name prime256v1 -genkey`, in the three forms.
const SEC1: &[u8] = include_bytes!("../../tests/fixtures/account_sec1.pem");
const PKCS8: &[u8] = include_bytes!("../../tests/fixtures/account_pkcs8.pem");
const RSA: &[u8] = include_bytes!("../../tests/fixtures/account_rsa.pem");

#[test]
fn keys_of_every_form_sign() {
    for (pem, algorithm, scheme) in [
        (SEC1, SignatureAlgorithm::ECDSA, SignatureScheme::ECDSA_NISTP256_SHA256),
        (PKCS8, SignatureAlgorithm::ECDSA, SignatureScheme::ECDSA_NISTP256_SHA256),
        (RSA, SignatureAlgorithm::RSA, SignatureScheme::RSA_PKCS1_SHA256),
    ] {
        let key = AccountKey::from_pem(pem).unwrap();
        assert_eq!(key.signer().algorithm(), algorithm);
        let signer = key.signer().choose_scheme(&[scheme]).expect("the scheme of its kind");
        assert!(!signer.sign(b"protected.payload").unwrap().is_empty());
    }
}

#[test]
fn other_blocks_before_the_key_are_passed_over() {
    let mut text =
        b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n".to_vec();
    text.extend_from_slice(SEC1);
    assert!(AccountKey::from_pem(&text).is_ok());
}

#[test]
fn what_is_no_key_is_corrupt_and_not_shown() {
    let cut = &PKCS8[..PKCS8.len() / 2];
    let public = b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    let damaged = b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
    for text in [&b"secret"[..], b"", cut, public, damaged] {
        let error = AccountKey::from_pem(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(!format!("{error:?}").contains("secret"));
    }
    let shown = format!("{:?}", AccountKey::from_pem(PKCS8).unwrap());
    assert_eq!(shown, "AccountKey { algorithm: ECDSA, .. }");
}
