//! Names, there and back.

use super::*;

fn key(key: &str) -> Key {
    Key::new(key).unwrap()
}

#[test]
fn a_key_is_its_secrets_name_but_for_an_ambiguous_ending() {
    for base in ["", "prod/", "a-b/", "pre-fix1/"] {
        let names = Names::new(base);
        for (at, ending) in [
            ("a/b", ""),
            ("example.com+rsa", ""),
            ("x-abcde/efghij", ""),
            ("foo-abcdef", ".escape."),
            ("a/foo-abcdef", ".escape."),
            ("example.xn--fiqs8s", ".escape."),
            ("a-b/cdef/k-123456", ".escape."),
            ("q-aa/cde", ".escape."),
            ("foo-abcdefg", ""),
            ("foo-abcde", ""),
        ] {
            let secret = names.value(&key(at)).unwrap();
            assert_eq!(secret, format!("{base}{at}{ending}"));
            assert_eq!(names.relative(&secret), Some(at), "{secret}");
            assert!(!is_ambiguous(&secret), "{secret}");
        }
    }
    // With the prefix.
    let name = |base, at| Names::new(base).value(&key(at)).unwrap();
    assert_eq!(name("a-b/", "cdef"), "a-b/cdef.escape.");
    assert_eq!(name("a-b/", "cde"), "a-b/cde");
    assert_eq!(name("a-b/", "cdefg"), "a-b/cdefg");
}

#[test]
fn what_is_not_kept_so_is_foreign() {
    let names = Names::new("p/");
    for foreign in ["p/foo.escape.", "q/a", "p", "p/foo-abcdef.escape..escape."] {
        assert!(names.relative(foreign).is_none_or(|name| Key::new(name).is_err()), "{foreign}");
    }
}

#[test]
fn the_bare_name_of_another_program_is_the_key_as_well() {
    let names = Names::new("p/");
    for (at, bare) in [("foo-abcdef", Some("p/foo-abcdef")), ("foo", None)] {
        assert_eq!(names.bare(&key(at)).as_deref(), bare);
        assert_eq!(names.relative(&format!("p/{at}")), Some(at));
    }
    // What is ours alone is not mistaken for it.
    assert_eq!(names.lock_of("p/locks/lease/job-abcdef"), None);
    assert_eq!(names.journal_dir("p/locks/journal/d-bcde/."), None);
}

#[test]
fn the_longest_name_fits() {
    let names = Names::new("p/");
    let long = |length: usize| {
        let mut text = "k/".repeat(length / 2);
        text.push_str(if length.is_multiple_of(2) { "kk" } else { "k" });
        text.truncate(length);
        key(text.trim_end_matches('/'))
    };
    assert_eq!(names.value(&long(509)).unwrap().len(), 511);
    let error = names.value(&long(600 + 1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidKey);
    assert!(error.to_string().contains("512"), "{error}");
}

#[test]
fn lock_names_are_mapped_reversibly() {
    let names = Names::new("p/");
    for name in [
        "a",
        "issue_cert_*.example.com",
        "b\u{fc}cher",
        "..",
        "a=b",
        "/x/",
        "job-abcdef",
        "%2e",
        "x.escape.",
        "new\nline",
    ] {
        let secret = names.lock(name).unwrap();
        let plain = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
        assert!(secret.chars().all(plain) && !is_ambiguous(&secret), "{secret}");
        let found = names.lock_of(&secret);
        assert!(found.as_deref() == Some(name) || secret.contains("=="), "{secret}: {found:?}");
    }
    let longest = "n".repeat(512);
    assert!(names.lock(&longest).unwrap().len() < 300);
    assert_eq!(names.lock_of(&names.lock(&longest).unwrap()), None);
}

#[test]
fn journals_name_their_directories() {
    let names = Names::new("p/");
    for dir in ["", "a", "a/b-cdef", "x-bcde"] {
        let dir = if dir.is_empty() { Dir::ROOT } else { Dir::new(dir).unwrap() };
        let secret = names.journal(&dir).unwrap();
        assert!(secret.starts_with(&names.journals(&dir)), "{secret}");
        assert_eq!(names.journal_dir(&secret), Some(dir), "{secret}");
    }
    assert_eq!(names.journal_dir("p/locks/lease/a"), None);
}
