//! The names that Caddy 2.6.2 gave its files, against ours.

use crate::layout::StorageKeys;

const CA: &str = "https://127.0.0.1:14000/dir";

#[track_caller]
fn assert_site(issuer: &str, domain: &str, folder: &str) {
    let (_, name) = folder.rsplit_once('/').unwrap();
    for (key, extension) in [
        (StorageKeys::site_cert(issuer, domain), "crt"),
        (StorageKeys::site_private_key(issuer, domain), "key"),
        (StorageKeys::site_meta(issuer, domain), "json"),
    ] {
        assert_eq!(key.unwrap().as_str(), format!("{folder}/{name}.{extension}"));
    }
}

#[test]
fn certificates() {
    let acme = StorageKeys::issuer_key(CA);
    for domain in [
        "caddy1.example.test",
        "caddy2.example.test",
        "rsa.example.test",
        "a.ondemand.example.test",
        "xn--bcher-kva.example.test",
    ] {
        assert_site(&acme, domain, &format!("certificates/127.0.0.1-14000-dir/{domain}"));
    }
    assert_site("local", "internal.example.test", "certificates/local/internal.example.test");
    assert_site("local", "127.0.0.1", "certificates/local/127.0.0.1");
    assert_site("local", "*.wild.example.test", "certificates/local/wildcard_.wild.example.test");
}

#[test]
fn account() {
    let acme = StorageKeys::issuer_key(CA);
    let folder = "acme/127.0.0.1-14000-dir/users/ops@example.com";
    let registration = StorageKeys::user_reg(&acme, "ops@example.com").unwrap();
    assert_eq!(registration.as_str(), format!("{folder}/ops.json"));
    let key = StorageKeys::user_private_key(&acme, "ops@example.com").unwrap();
    assert_eq!(key.as_str(), format!("{folder}/ops.key"));
}

#[test]
fn staple() {
    let chain = include_bytes!("../testdata/caddy1.example.test.crt");
    let key = StorageKeys::ocsp_staple(Some("caddy1.example.test"), chain).unwrap();
    assert_eq!(key.as_str(), "ocsp/caddy1.example.test-4fe0631e");
}

/// Caddy names the lock from the Unicode form and stores under the punycode one.
#[test]
fn lock_of_an_internationalised_name() {
    let lock = StorageKeys::issue_cert_lock("bücher.example.test").unwrap();
    assert_eq!(StorageKeys::safe(lock.as_str()), "issue_cert_bcher.example.test");
}
