use super::{digest, line, refused};
use crate::layout::StorageKeys;

const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";
const HOST: &str = "acme/acme-v02.api.letsencrypt.org";

#[test]
fn a_ca_is_its_host() {
    let keys = StorageKeys::v0_6();
    for (ca, prefix) in [
        (LETS_ENCRYPT, HOST),
        ("https://acme-v01.api.letsencrypt.org/directory", "acme/acme-v01.api.letsencrypt.org"),
        ("https://127.0.0.1:14000/dir", "acme/127.0.0.114000"),
        ("https://[2001:db8::1]/dir", "acme/2001db81"),
        ("https://ca.example/%zz", "acme/httpsca.examplezz"),
        ("https://CA.example:80x/dir", "acme/httpsca.example80xdir"),
    ] {
        assert_eq!(keys.ca_prefix(ca).unwrap().as_str(), prefix);
        assert_eq!(keys.users_prefix(ca).unwrap().as_str(), format!("{prefix}/users"));
    }
}

#[test]
fn a_ca_without_a_host_is_refused() {
    for ca in ["", "ca.example", "local", "localhost:14000", "https:///dir", "https://../dir"] {
        refused(StorageKeys::v0_6().ca_prefix(ca));
        refused(StorageKeys::v0_6().site_cert(ca, "example.com"));
        refused(StorageKeys::v0_6().user_reg(ca, "ops@example.com"));
    }
}

#[test]
fn site_keys() {
    let keys = StorageKeys::v0_6();
    for (domain, safe) in [
        ("example.com", "example.com"),
        ("*.example.com", "wildcard_.example.com"),
        ("a/../../../foo", "afoo"),
        ("2001:db8::1", "2001db81"),
        ("c/foo", "cfoo"),
    ] {
        let site = format!("{HOST}/sites/{safe}");
        assert_eq!(keys.site_prefix(LETS_ENCRYPT, domain).unwrap().as_str(), site);
        for (key, extension) in [
            (keys.site_cert(LETS_ENCRYPT, domain), "crt"),
            (keys.site_private_key(LETS_ENCRYPT, domain), "key"),
            (keys.site_meta(LETS_ENCRYPT, domain), "json"),
        ] {
            assert_eq!(key.unwrap().as_str(), format!("{site}/{safe}.{extension}"));
        }
    }
    for bad in ["", "..", "./.", "ü", "a."] {
        refused(keys.site_prefix(LETS_ENCRYPT, bad));
        refused(keys.site_private_key(LETS_ENCRYPT, bad));
    }
}

#[test]
fn account_keys() {
    let keys = StorageKeys::v0_6();
    for (email, folder, registration, key) in [
        ("", "default", "default.json", "default.key"),
        ("Ops@Example.com", "ops@example.com", "ops.json", "ops.key"),
        (
            "user+tag@example.com",
            "user_plus_tag@example.com",
            "user_plus_tag.json",
            "user_plus_tag.key",
        ),
        ("ops:1@example.com", "ops1@example.com", "ops1.json", "ops1.key"),
        ("@", "@", "registration.json", "private.key"),
    ] {
        let folder = format!("{HOST}/users/{folder}");
        assert_eq!(keys.user_prefix(LETS_ENCRYPT, email).unwrap().as_str(), folder);
        let found = keys.user_reg(LETS_ENCRYPT, email).unwrap();
        assert_eq!(found.as_str(), format!("{folder}/{registration}"));
        let found = keys.user_private_key(LETS_ENCRYPT, email).unwrap();
        assert_eq!(found.as_str(), format!("{folder}/{key}"));
    }
}

#[test]
fn staples() {
    let keys = StorageKeys::v0_6();
    let named = keys.ocsp_staple(Some("2001:db8::1"), b"pem bundle").unwrap();
    assert_eq!(named.as_str(), "ocsp/2001db81-51cca9ab");
    assert_eq!(keys.ocsp_staple(None, b"pem bundle").unwrap().as_str(), "ocsp/51cca9ab");
}

#[test]
fn random_sites_as_go() {
    let keys = StorageKeys::v0_6();
    let digest = digest(|texts| {
        let ca = texts.url();
        line(keys.site_cert(&ca, &texts.name()))
    });
    assert_eq!(digest, 0xca50_b8b8_0c9c_2fbd);
}

#[test]
fn random_accounts_as_go() {
    let keys = StorageKeys::v0_6();
    let digest = digest(|texts| {
        let ca = texts.url();
        line(keys.user_reg(&ca, &texts.name()))
    });
    assert_eq!(digest, 0x4d00_e377_04b4_bfc5);
}
