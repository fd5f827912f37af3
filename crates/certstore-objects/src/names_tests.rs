//! Names, there and back.

use super::*;

const MAX_OBJECT: usize = 1023;

fn names(base: &str) -> ObjectNames {
    ObjectNames::new(base, MAX_OBJECT, "test")
}

#[test]
fn every_lock_name_fits_and_none_meets_another() {
    let long = "x".repeat(512);
    let locks = [
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
    let deepest = names(&format!("{}/", "p".repeat(512)));
    let mut objects: Vec<String> = locks.iter().map(|name| deepest.lock(name)).collect();
    assert!(objects.iter().all(|object| object.len() <= MAX_OBJECT));
    objects.sort();
    objects.dedup();
    assert_eq!(objects.len(), locks.len());
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
    let names = names(&format!("{}/", "p".repeat(512)));
    let key = Key::new(&format!("{0}/{0}/{0}", "k".repeat(200))).unwrap();
    let error = names.value(&key).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidKey);
    assert!(error.to_string().contains("1023"), "{error}");
}

#[test]
fn journals_lie_under_their_directory() {
    let names = names("p/");
    assert_eq!(names.journal(&Dir::ROOT).unwrap(), "p/locks/journal/~");
    let dir = Dir::new("a/b").unwrap();
    assert_eq!(names.journal(&dir).unwrap(), "p/locks/journal/a/b/~");
    assert!(names.journal(&dir).unwrap().starts_with(&names.journals(&Dir::new("a").unwrap())));
}

#[test]
fn a_journals_directory_is_read_back() {
    for base in ["", "p/"] {
        let names = names(base);
        for dir in [Dir::ROOT, Dir::new("a").unwrap(), Dir::new("a/b").unwrap()] {
            assert_eq!(names.journal_dir(&names.journal(&dir).unwrap()), Some(dir));
        }
        assert_eq!(names.journal_dir(&format!("{base}locks/lease/a")), None);
        assert_eq!(names.journal_dir(&format!("{base}locks/journal/a")), None);
    }
}
