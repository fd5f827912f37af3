use rcgen::{CertificateParams, DnType, KeyPair};

use super::*;
use crate::KeyType;

fn made(names: &[&str], key: &PrivateKey) -> String {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2026, 4, 1);
    params.distinguished_name.push(DnType::CommonName, "Common.example");
    params.self_signed(key).expect("a certificate").pem()
}

#[test]
fn it_says_what_is_in_it() {
    let key = PrivateKey::generate(KeyType::P256).expect("a key");
    let chain = made(&["Example.com", "*.example.com", "2001:db8::1", "192.0.2.1"], &key);
    let certificate = Certificate::from_pem(&chain, key.pem().expose()).expect("a certificate");
    assert_eq!(certificate.names(), ["example.com", "*.example.com", "2001:db8::1", "192.0.2.1"]);
    let lifetime =
        certificate.not_after().duration_since(certificate.not_before()).expect("in order");
    assert_eq!(lifetime, Duration::from_secs(90 * 24 * 3600));
    assert_eq!(certificate.hash().len(), 64);
    assert_eq!(certificate.issuer(), None);
    let policy = RenewalPolicy::default();
    let before = certificate.not_after() - Duration::from_secs(31 * 24 * 3600);
    assert!(!certificate.needs_renewal(&policy, before));
    assert!(certificate.needs_renewal(&policy, before + Duration::from_secs(2 * 24 * 3600)));
    assert!(!certificate.has_expired(before) && certificate.has_expired(certificate.not_after()));
}

#[test]
fn without_alternative_names_the_common_name_counts() {
    let key = PrivateKey::generate(KeyType::P384).expect("a key");
    let chain = made(&[], &key);
    let certificate = Certificate::from_pem(&chain, key.pem().expose()).expect("a certificate");
    assert_eq!(certificate.names(), ["common.example"]);
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let (key, other) = (KeyType::P256, KeyType::P256);
    let key = PrivateKey::generate(key).expect("a key");
    let other = PrivateKey::generate(other).expect("a key");
    let chain = made(&["example.com"], &key);
    let error = Certificate::from_pem(&chain, other.pem().expose()).expect_err("another's key");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let der = CertificateDer::from_pem_slice(chain.as_bytes()).expect("a certificate");
    let mixed = CertifiedKey::new(vec![der.clone()], Arc::clone(other.signer()));
    let error = Certificate::from_rustls(Arc::new(mixed)).expect_err("another's key");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let right = CertifiedKey::new(vec![der], Arc::clone(key.signer()));
    let right = Certificate::from_rustls(Arc::new(right)).expect("its own key");
    assert_eq!(right, Certificate::from_pem(&chain, key.pem().expose()).expect("a certificate"));
}

#[test]
fn nothing_of_the_key_is_shown() {
    let pair = KeyPair::generate().expect("a key");
    let key = PrivateKey::from_pem(&pair.serialize_pem()).expect("a key");
    let chain = made(&["example.com"], &key);
    let certificate = Certificate::from_pem(&chain, key.pem().expose()).expect("a certificate");
    let shown = format!("{certificate:?}");
    assert!(shown.contains("example.com") && !shown.contains("PRIVATE"), "{shown}");
}
