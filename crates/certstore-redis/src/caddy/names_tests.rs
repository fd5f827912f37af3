use certstore_core::{Dir, ErrorKind, Key, LockName};

use super::{Names, Step};

fn step(set: &str, member: &str) -> Step {
    Step { set: set.into(), member: member.into() }
}

fn key(key: &str) -> Key {
    key.parse().unwrap()
}

#[test]
fn keys_and_their_directories() {
    let names = Names::new("caddy").unwrap();
    let crt = key("certificates/local/example.com/example.com.crt");
    assert_eq!(names.key(&crt), "caddy/certificates/local/example.com/example.com.crt");
    assert_eq!(
        names.steps(&crt),
        [
            step("caddy/certificates/local/example.com", "example.com.crt"),
            step("caddy/certificates/local", "example.com/"),
            step("caddy/certificates", "local/"),
            step("caddy", "certificates/"),
        ]
    );
    assert_eq!(names.steps(&key("last_clean.json")), [step("caddy", "last_clean.json")]);
    assert_eq!(names.dir(&Dir::ROOT), "caddy");
    assert_eq!(names.dir(&Dir::from(key("a/b"))), "caddy/a/b");
}

#[test]
fn a_prefix_of_two_components_is_indexed_too() {
    let names = Names::new(" /fleet/caddy/ ").unwrap();
    assert_eq!(names.prefix(), "fleet/caddy");
    assert_eq!(names.steps(&key("a")), [step("fleet/caddy", "a"), step("fleet", "caddy/")]);
}

#[test]
fn prefixes_that_no_path_keeps_are_refused() {
    for prefix in ["", " / ", "a//b", "a/./b", "../a"] {
        assert_eq!(Names::new(prefix).unwrap_err().kind(), ErrorKind::InvalidConfig, "{prefix:?}");
    }
}

#[test]
fn a_hash_tag_keeps_all_keys_in_one_slot() {
    for (prefix, one) in
        [("{caddy}", true), ("a{b}c/d", true), ("caddy", false), ("{}caddy", false), ("}a{", false)]
    {
        assert_eq!(Names::new(prefix).unwrap().is_one_slot(), one, "{prefix}");
    }
}

#[test]
fn lock_names_are_cleaned_as_paths() {
    for (name, clean) in [
        ("issue_cert_example.com", "issue_cert_example.com"),
        ("a//b/./c/", "a/b/c"),
        ("a/../b", "b"),
        ("/b", "b"),
        ("../locks/b", "b"),
        ("bücher *.example", "bücher *.example"),
    ] {
        let name: LockName = name.parse().unwrap();
        assert_eq!(Names::clean_lock(&name).unwrap().as_str(), clean);
    }
    let names = Names::new("caddy").unwrap();
    assert_eq!(names.lock("a/b"), "caddy/locks/a/b");
    assert!(!names.lock_record("a").starts_with("caddy/"));
}

#[test]
fn lock_names_that_lead_astray_stay_in_the_folder() {
    for (name, kept) in [
        (".", "%2E"),
        ("/", "%2F"),
        ("..", "%2E%2E"),
        ("a/..", "a%2F%2E%2E"),
        ("../certificates/a", "%2E%2E%2Fcertificates%2Fa"),
        ("../../caddy/locks/50%", "%2E%2E%2F%2E%2E%2Fcaddy%2Flocks%2F50%25"),
    ] {
        let clean = Names::clean_lock(&name.parse().unwrap()).unwrap();
        assert_eq!(clean.as_str(), kept, "{name}");
        assert_eq!(Names::clean_lock(&clean).unwrap(), clean);
    }
    let long = format!("../{}", "/".repeat(300)).parse().unwrap();
    let error = Names::clean_lock(&long).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidKey);
    assert!(error.to_string().contains("more than 512"), "{error}");
}
