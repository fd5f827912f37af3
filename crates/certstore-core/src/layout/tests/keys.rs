use super::{LETS_ENCRYPT, digest, line, refused};
use crate::layout::StorageKeys;

#[test]
fn site_keys() {
    for (domain, safe) in [
        ("example.com", "example.com"),
        ("*.example.com", "wildcard_.example.com"),
        ("a/../../../foo", "afoo"),
        ("b\\..\\..\\..\\foo", "bfoo"),
        ("c/foo", "cfoo"),
        ("2001:db8::1", "2001-db8--1"),
        ("127.0.0.1", "127.0.0.1"),
        ("Bücher.example", "bcher.example"),
    ] {
        let site = format!("certificates/acme-v02.api.letsencrypt.org-directory/{safe}");
        let prefix = StorageKeys::cert_site_prefix(LETS_ENCRYPT, domain).unwrap();
        assert_eq!(prefix.as_str(), site);
        for (key, extension) in [
            (StorageKeys::site_cert(LETS_ENCRYPT, domain), "crt"),
            (StorageKeys::site_private_key(LETS_ENCRYPT, domain), "key"),
            (StorageKeys::site_meta(LETS_ENCRYPT, domain), "json"),
            (StorageKeys::site_compromised_key(LETS_ENCRYPT, domain), "key.compromised"),
        ] {
            assert_eq!(key.unwrap().as_str(), format!("{site}/{safe}.{extension}"));
        }
        let token = StorageKeys::challenge_token(LETS_ENCRYPT, domain).unwrap();
        let tokens = "acme/acme-v02.api.letsencrypt.org-directory/challenge_tokens";
        assert_eq!(token.as_str(), format!("{tokens}/{safe}.json"));
    }
}

#[test]
fn prefixes_and_fixed_keys() {
    for (key, expected) in [
        (StorageKeys::certs_prefix("local"), "certificates/local"),
        (StorageKeys::acme_ca_prefix("127.0.0.1:14000-dir"), "acme/127.0.0.1-14000-dir"),
        (
            StorageKeys::users_prefix(LETS_ENCRYPT),
            "acme/acme-v02.api.letsencrypt.org-directory/users",
        ),
        (
            StorageKeys::zerossl_challenge_token("example.com"),
            "zerossl/challenge_tokens/example.com.json",
        ),
        (
            StorageKeys::challenge_token("ca.example", "1.0.0.127.in-addr.arpa"),
            "acme/ca.example/challenge_tokens/1.0.0.127.in-addr.arpa.json",
        ),
        (StorageKeys::last_clean(), "last_clean.json"),
    ] {
        assert_eq!(key.unwrap().as_str(), expected);
    }
}

#[test]
fn account_keys() {
    for (email, folder, name) in [
        ("", "default", "default"),
        ("default", "default", "default"),
        ("Ops@Example.com", "ops@example.com", "ops"),
        (" ops@example.com", "ops@example.com", "ops"),
        ("user+tag@example.com", "user_plus_tag@example.com", "user_plus_tag"),
        ("a b@example.com", "a_b@example.com", "a_b"),
        ("mailto:ops@example.com", "mailto-ops@example.com", "mailto-ops"),
        ("o@p@example.com", "o@p@example.com", "o"),
        ("ops", "ops", "ops"),
        ("@example.com", "@example.com", "example.com"),
        ("ä@example.com", "@example.com", ""),
        ("..@example.com", "@example.com", ""),
    ] {
        let folder = format!("acme/acme-v02.api.letsencrypt.org-directory/users/{folder}");
        assert_eq!(StorageKeys::user_prefix(LETS_ENCRYPT, email).unwrap().as_str(), folder);
        let registration = StorageKeys::user_reg(LETS_ENCRYPT, email).unwrap();
        assert_eq!(registration.as_str(), format!("{folder}/{name}.json"));
        let key = StorageKeys::user_private_key(LETS_ENCRYPT, email).unwrap();
        assert_eq!(key.as_str(), format!("{folder}/{name}.key"));
    }
}

#[test]
fn account_of_an_address_without_names() {
    assert_eq!(
        StorageKeys::user_reg("ca", "@").unwrap().as_str(),
        "acme/ca/users/@/registration.json"
    );
    assert_eq!(
        StorageKeys::user_private_key("ca", "@").unwrap().as_str(),
        "acme/ca/users/@/private.key"
    );
}

#[test]
fn staples_end_with_the_hash_of_the_bundle_not_padded() {
    for (bundle, hash) in [
        ("", "811c9dc5"),
        ("a", "e40c292c"),
        ("foobar", "bf9cf968"),
        ("\n", "f0c6cdd"),
        ("pem bundle", "51cca9ab"),
        ("pem bundle 647", "d69c9c"),
    ] {
        let named = StorageKeys::ocsp_staple(Some("*.Example.com"), bundle.as_bytes()).unwrap();
        assert_eq!(named.as_str(), format!("ocsp/wildcard_.example.com-{hash}"));
        let nameless = StorageKeys::ocsp_staple(None, bundle.as_bytes()).unwrap();
        assert_eq!(nameless.as_str(), format!("ocsp/{hash}"));
    }
}

#[test]
fn lock_names_are_not_made_safe() {
    for (name, expected) in [
        (StorageKeys::issue_cert_lock("*.Bücher.example"), "issue_cert_*.Bücher.example"),
        (StorageKeys::issue_cert_lock("2001:db8::1"), "issue_cert_2001:db8::1"),
        (
            StorageKeys::ari_lock("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"),
            "ari_aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE",
        ),
        (StorageKeys::register_account_lock(None), "register_acme_account"),
        (
            StorageKeys::register_account_lock(Some("Ops@example.com")),
            "register_acme_account_Ops@example.com",
        ),
        (StorageKeys::storage_clean_lock(), "storage_clean"),
    ] {
        assert_eq!(name.unwrap().as_str(), expected);
    }
    refused(StorageKeys::issue_cert_lock("a\0b"));
    refused(StorageKeys::ari_lock(&"a".repeat(512)));
}

#[test]
fn names_that_leave_the_directory_are_refused() {
    for bad in ["", " ", "..", "....", "/", "~", "ü", ".", "...", "./.", ".\\.", "/./"] {
        for key in [
            StorageKeys::certs_prefix(bad),
            StorageKeys::cert_site_prefix(bad, "a"),
            StorageKeys::cert_site_prefix("local", bad),
            StorageKeys::site_cert(bad, "a"),
            StorageKeys::site_cert("local", bad),
            StorageKeys::site_private_key("local", bad),
            StorageKeys::site_meta("local", bad),
            StorageKeys::site_compromised_key("local", bad),
            StorageKeys::acme_ca_prefix(bad),
            StorageKeys::users_prefix(bad),
            StorageKeys::user_reg(bad, "a@b"),
            StorageKeys::challenge_token("local", bad),
            StorageKeys::zerossl_challenge_token(bad),
        ] {
            refused(key);
        }
        if !bad.is_empty() {
            refused(StorageKeys::user_prefix("local", bad));
            refused(StorageKeys::user_reg("local", bad));
        }
    }
    let error = refused(StorageKeys::site_cert("local", "./."));
    assert_eq!(
        error.to_string(),
        "\"./.\": this domain becomes \"..\" in a key, which names no directory of its own"
    );
}

#[test]
fn names_that_no_key_can_have_are_refused() {
    refused(StorageKeys::site_cert("local", "example.com."));
    refused(StorageKeys::site_cert("local", "x/./."));
    refused(StorageKeys::certs_prefix("ca."));
    let longest = "a".repeat(231 - ".crt".len());
    assert!(StorageKeys::site_cert("local", &longest).is_ok());
    refused(StorageKeys::site_cert("local", &format!("{longest}a")));
    refused(StorageKeys::ocsp_staple(Some(&"a".repeat(231)), b""));
}

#[test]
fn random_sites_as_go() {
    let digest = digest(|texts| {
        let issuer = StorageKeys::issuer_key(&texts.url());
        line(StorageKeys::site_cert(&issuer, &texts.name()))
    });
    assert_eq!(digest, 0x12b7_4962_c872_ee8e);
}

#[test]
fn random_accounts_as_go() {
    let digest = digest(|texts| {
        let issuer = StorageKeys::issuer_key(&texts.url());
        line(StorageKeys::user_reg(&issuer, &texts.name()))
    });
    assert_eq!(digest, 0xd436_8717_b43f_78a4);
}
