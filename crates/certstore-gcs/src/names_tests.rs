//! Names, there and back.

use super::*;

#[test]
fn every_lock_name_fits_and_none_meets_another() {
    let long = "x".repeat(512);
    let names = [
        "a",
        "A",
        ".",
        "..",
        "a.b",
        "a/b",
        "a~b",
        "a~2Fb",
        "bücher",
        "\u{1}",
        long.as_str(),
        &long[..511],
    ];
    let deepest = Names::new(&format!("{}/", "p".repeat(512)));
    let mut objects: Vec<String> = names.iter().map(|name| deepest.lock(name)).collect();
    assert!(objects.iter().all(|object| object.len() <= MAX_OBJECT));
    objects.sort();
    objects.dedup();
    assert_eq!(objects.len(), names.len());
}

#[test]
fn short_names_can_be_read_back() {
    for name in ["a", "issue_cert_*.example.com", "..", "bücher/~ \n"] {
        assert_eq!(unmapped(&mapped(name)).as_deref(), Some(name));
    }
    assert_eq!(unmapped(&mapped(&"ü".repeat(256))), None);
    assert_eq!(mapped("issue_cert_example.com"), "issue_cert_example.com");
}

#[test]
fn what_does_not_fit_is_refused() {
    let names = Names::new(&format!("{}/", "p".repeat(512)));
    let key = Key::new(&format!("{0}/{0}/{0}", "k".repeat(200))).unwrap();
    let error = names.value(&key).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidKey);
    assert!(error.to_string().contains("1024"), "{error}");
}

#[test]
fn journals_lie_under_their_directory() {
    let names = Names::new("p/");
    assert_eq!(names.journal(&Dir::ROOT).unwrap(), "p/locks/journal/~");
    let dir = Dir::new("a/b").unwrap();
    assert_eq!(names.journal(&dir).unwrap(), "p/locks/journal/a/b/~");
    assert!(names.journal(&dir).unwrap().starts_with(&names.journals(&Dir::new("a").unwrap())));
}

#[test]
fn a_journals_directory_is_read_back() {
    for base in ["", "p/"] {
        let names = Names::new(base);
        for dir in [Dir::ROOT, Dir::new("a").unwrap(), Dir::new("a/b").unwrap()] {
            assert_eq!(names.journal_dir(&names.journal(&dir).unwrap()), Some(dir));
        }
        assert_eq!(names.journal_dir(&format!("{base}locks/lease/a")), None);
        assert_eq!(names.journal_dir(&format!("{base}locks/journal/a")), None);
    }
}

#[test]
fn the_beginning_that_the_service_does_not_take_needs_a_prefix() {
    let key = Key::new(".well-known/acme-challenge/token").unwrap();
    let error = Names::new("").value(&key).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidKey);
    assert!(error.to_string().contains("set a prefix"), "{error}");
    assert_eq!(Names::new("p/").value(&key).unwrap(), "p/.well-known/acme-challenge/token");
}
