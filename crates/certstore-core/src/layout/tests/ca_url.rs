use super::{Texts, digest};
use crate::layout::StorageKeys;

#[track_caller]
fn assert_issuer_keys(vectors: &[(&str, &str)]) {
    for (url, key) in vectors {
        assert_eq!(StorageKeys::issuer_key(url), *key, "{url:?}");
    }
}

#[test]
fn directory_urls() {
    assert_issuer_keys(&[
        (
            "https://acme-v02.api.letsencrypt.org/directory",
            "acme-v02.api.letsencrypt.org-directory",
        ),
        (
            "https://acme-staging-v02.api.letsencrypt.org/directory",
            "acme-staging-v02.api.letsencrypt.org-directory",
        ),
        ("https://acme.zerossl.com/v2/DV90", "acme.zerossl.com-v2-DV90"),
        ("https://127.0.0.1:14000/dir", "127.0.0.1:14000-dir"),
        ("https://[2001:db8::1]:14000/dir", "[2001:db8::1]:14000-dir"),
        ("https://CA.Example/Dir?x=/y#z", "CA.Example-Dir"),
        ("https://user:pw@ca.example/dir", "ca.example-dir"),
        ("https://a@b@ca.example/x", "ca.example-x"),
        ("//ca.example/dir", "ca.example-dir"),
        ("https://ca.example:/dir", "ca.example:-dir"),
        ("https://b%C3%BCcher.example/d", "bücher.example-d"),
        ("https://bücher.example/d", "bücher.example-d"),
    ]);
}

#[test]
fn zones_and_brackets() {
    assert_issuer_keys(&[
        ("https://[fe80::1%25en0]:1/d", "[fe80::1%en0]:1-d"),
        ("https://[fe80::1%25a%20b]/d", "[fe80::1%a b]-d"),
        ("https://[fe80::1%25%41]/d", "[fe80::1%A]-d"),
        ("https://[fe80::1%25%25]/d", "[fe80::1%%]-d"),
        ("https://[::1]]/d", "[::1]]-d"),
    ]);
}

#[test]
fn paths_become_one_component() {
    assert_issuer_keys(&[
        ("https://ca.example", "ca.example"),
        ("https://ca.example/", "ca.example"),
        ("https://ca.example?x", "ca.example"),
        ("https://ca.example/---", "ca.example"),
        ("https://ca.example/-dir-", "ca.example-dir"),
        ("https://ca.example/a/b//c/", "ca.example-a-b--c"),
        ("https://ca.example/a\\b\\", "ca.example-a-b"),
        ("https://ca.example/%64ir%2Fx", "ca.example-dir-x"),
        ("https://ca.example/a b", "ca.example-a b"),
    ]);
}

#[test]
fn what_has_no_host() {
    assert_issuer_keys(&[
        ("", ""),
        ("https:", ""),
        ("https://", ""),
        ("localhost:14000/dir", ""),
        ("mailto:ops@example.com", ""),
        ("*", "-*"),
        ("local", "-local"),
        ("ca.example/dir", "-ca.example-dir"),
        ("///dir", "-dir"),
    ]);
}

/// What Go takes for a broken URL is the issuer key as it is.
#[test]
fn broken_urls_stay_whole() {
    for url in [
        ":dir",
        "127.0.0.1:14000/dir",
        "https://ca.example/%zz",
        "https://ca.example#%zz",
        "https://ca.example:port/dir",
        "https://ca example/dir",
        "https://us er@ca.example/",
        "https://ca.example%41/dir",
        "https://[::1/dir",
        "https://[::1]x/dir",
        "https://[::1%41]/dir",
        "https://[fe80::1%25%2F]/dir",
        "https://[fe80::1%25%c3%a9]/dir",
        "https://[fe80::1%25a b]/dir",
        "a\u{7f}b",
    ] {
        assert_eq!(StorageKeys::issuer_key(url), url);
    }
}

#[test]
fn random_urls_as_go_issuer_key() {
    assert_eq!(
        digest(|texts: &mut Texts| StorageKeys::issuer_key(&texts.url())),
        0x4c06_174b_5a55_36d9
    );
}
