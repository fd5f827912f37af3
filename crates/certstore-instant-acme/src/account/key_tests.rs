use instant_acme::Key;

use super::AccountKey;

/// An account's key that Caddy 2.6.2 made for a test CA.
const OF_CADDY: &str = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIGs2uBevmschn1LNfB1CB+05O3iTNp0P+pH7sqhek7ccoAoGCCqGSM49
AwEHoUQDQgAE/JOgrF81U0SMFxh7BIR/9abgFMzzdTDBmT5ljmCMsUCQ1x4I+f6+
X8Vgc+3zIPrCU7MBg6lCNthHDdoLRKfzfQ==
-----END EC PRIVATE KEY-----
";

#[test]
fn a_key_of_caddy_is_read_and_written_to_the_byte() {
    let key = AccountKey::from_pem(OF_CADDY.as_bytes()).unwrap();
    assert_eq!(key.to_pem().as_str(), OF_CADDY);
    assert!(Key::from_pkcs8_der(key.to_pkcs8()).is_ok());
}

#[test]
fn a_new_key_comes_back_in_both_forms() {
    let key = AccountKey::generate().unwrap();
    let pem = key.to_pem();
    let again = AccountKey::from_pem(pem.as_bytes()).unwrap();
    assert_eq!(again.to_pkcs8().secret_pkcs8_der(), key.to_pkcs8().secret_pkcs8_der());
    let pkcs8 = rcgen::KeyPair::generate().unwrap().serialize_pem();
    assert!(AccountKey::from_pem(pkcs8.as_bytes()).is_ok());
}

#[test]
fn what_instant_acme_cannot_sign_with_is_refused() {
    let other_curve =
        rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap().serialize_pem();
    let another_point = OF_CADDY.replace("AwEHoUQDQgAE/JOg", "AwEHoUQDQgAE/JOh");
    for pem in ["", "no PEM", &other_curve, &another_point, &OF_CADDY[..100]] {
        let error = AccountKey::from_pem(pem.as_bytes()).err().unwrap();
        assert!(error.to_string().contains("the account's private key"), "{error}");
    }
}

#[test]
fn a_signature_is_by_the_key() {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    let key = AccountKey::from_pem(OF_CADDY.as_bytes()).unwrap();
    let signature = key.sign(b"a message").unwrap();
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &key.point);
    assert!(public.verify(b"a message", &signature).is_ok());
    assert!(public.verify(b"another", &signature).is_err());
}
