use certstore_core::{ErrorKind, MAX_COMPONENT, MAX_KEY, MAX_LOCK_NAME};

use super::{dir, key, lock_name};

/// Each name with the key that it is; every key is its own.
fn same(cases: &[(&str, &str)]) {
    for (theirs, ours) in cases {
        assert_eq!(key(theirs).unwrap().as_str(), *ours, "{theirs}");
        assert_eq!(key(ours).unwrap().as_str(), *ours);
    }
}

#[test]
fn what_a_key_can_be_stays_as_it_is() {
    same(&[
        (
            "certificates/ca/Wildcard_.example/a_plus_b@x.key",
            "certificates/ca/Wildcard_.example/a_plus_b@x.key",
        ),
        ("last_clean.json", "last_clean.json"),
    ]);
}

#[test]
fn other_scripts_are_written_as_in_the_dns() {
    same(&[
        (
            "certificates/münchen.de/münchen.de.crt",
            "certificates/xn--mnchen-3ya.de/xn--mnchen-3ya.de.crt",
        ),
        ("c/wildcard_.例え.テスト/k", "c/wildcard_.xn--r8jz45g.xn--zckzah/k"),
        ("c/wildcard_.دبي.example.json", "c/wildcard_.xn--ngbn6f.example.json"),
        ("users/jürgen@example.com", "users/xn--jrgen@example-wob.com"),
        // One name in two spellings: a capital, and a letter with a separate accent.
        ("Bücher.example", "xn--bcher-kva.example"),
        ("BU\u{308}CHER.example", "xn--bcher-kva.example"),
    ]);
}

#[test]
fn a_component_that_is_too_long_keeps_its_beginning_and_its_extension() {
    let domain = ["a"; 4].map(|letter| letter.repeat(60)).join(".");
    let site = format!("certificates/ca/{domain}");
    let keys = [".crt", ".key", ".json"].map(|end| key(&format!("{site}/{domain}{end}")).unwrap());
    for (key, end) in keys.iter().zip([".crt", ".key", ".json"]) {
        assert_eq!(key.name().len(), MAX_COMPONENT);
        assert!(key.name().starts_with("aaaa") && key.name().ends_with(end), "{key}");
        assert_eq!(super::key(key.as_str()).unwrap(), *key);
    }
    // What belongs together has one stem, and lies in one directory.
    assert_eq!(keys[0].parent(), keys[1].parent());
    let hash = |key: &certstore_core::Key| key.name().split('=').nth(1).unwrap()[..64].to_owned();
    assert_eq!(hash(&keys[0]), hash(&keys[2]));
    // Another name with the same beginning is another key.
    let other = key(&format!("{site}b/{domain}.key")).unwrap();
    assert_ne!(other.parent(), keys[1].parent());
}

const HASH_AND_CUT: usize = 65;

#[test]
fn without_an_extension_the_hash_is_the_end() {
    let long = key(&format!("a/{}", "b".repeat(300))).unwrap();
    assert_eq!(long.name().len(), MAX_COMPONENT);
    assert_eq!(long.name().find('='), Some(MAX_COMPONENT - HASH_AND_CUT));
    // A dot too far from the end begins no extension.
    let far = key(&format!("{}.{}", "b".repeat(300), "c".repeat(30))).unwrap();
    assert!(!far.as_str().contains('.'));
}

#[test]
fn what_no_key_can_be_is_refused_with_its_rule() {
    let long = "a/".repeat(MAX_KEY / 2) + "b";
    let bad = [
        "",
        "/",
        "a//b",
        "a/",
        "../a",
        "a/./b",
        "a b",
        "a:b",
        "a\\b",
        "a\0b",
        "locks/a",
        "a,b",
        "a/ü..",
        "a/\u{ff0f}b",
        "a/\u{2026}",
        "a/ü\u{ad}\u{202e}",
        long.as_str(),
    ];
    for name in bad {
        let error = key(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidKey, "{name:?}");
        assert!(!error.to_string().contains('\n'));
    }
    assert_eq!(key("a/ü\u{202e}").unwrap_err().kind(), ErrorKind::InvalidKey);
}

#[test]
fn the_empty_directory_is_the_root() {
    assert!(dir("").unwrap().is_root());
    assert_eq!(dir("ü").unwrap().as_str(), "xn--tda");
}

#[test]
fn a_lock_may_have_any_name_and_a_long_one_is_cut() {
    assert_eq!(
        lock_name("issue_cert_*.bücher.example").unwrap().as_str(),
        "issue_cert_*.bücher.example"
    );
    let long = |end: &str| format!("issue_cert_{}{end}", "ü".repeat(600));
    let (one, other) = (lock_name(&long("a")).unwrap(), lock_name(&long("b")).unwrap());
    assert!(one.as_str().len() <= MAX_LOCK_NAME);
    assert!(one.as_str().starts_with("issue_cert_ü"));
    assert_ne!(one, other);
    assert_eq!(lock_name(one.as_str()).unwrap(), one);
    for bad in ["", "a\0b"] {
        assert_eq!(lock_name(bad).unwrap_err().kind(), ErrorKind::InvalidKey);
    }
}
