use certstore_core::LockName;

use super::Names;

fn names(name: &str) -> Names {
    Names::of(&LockName::new(name).unwrap())
}

#[test]
fn the_lock_file_is_certmagics() {
    assert_eq!(names("issue_cert_*.Example.com").lock, "issue_cert_wildcard_.example.com.lock");
    assert_eq!(
        names("register_acme_account_a+b@c.de").lock,
        "register_acme_account_a_plus_b@c.de.lock"
    );
}

#[test]
fn names_that_map_alike_are_one_lock() {
    assert_eq!(names("a b"), names("a_b"));
    assert_ne!(names("a"), names("b"));
}

#[test]
fn names_of_which_nothing_is_left_are_one_lock() {
    for name in [" ", "ü", "/"] {
        assert_eq!(names(name), names(".."), "{name:?}");
    }
    assert_eq!(names("..").lock, ".lock", "as CertMagic calls it");
    assert_eq!(Names::of_lock_file(".lock").unwrap().guard, names("..").guard);
}

#[test]
fn every_length_fits_a_file_name_and_stays_apart() {
    for length in [1, 199, 200, 201, 250, 251, 512] {
        let (a, b) = ("a".repeat(length), "a".repeat(length - 1) + "b");
        let (a, b) = (names(&a), names(&b));
        for file in [&a.lock, &a.guard, &a.mark] {
            assert!(file.len() <= 255, "{length}: {file}");
        }
        assert!(a.lock != b.lock && a.guard != b.guard && a.mark != b.mark, "{length}");
    }
    assert_eq!(names(&"a".repeat(250)).lock, "a".repeat(250) + ".lock", "Go can use this one too");
}

#[test]
fn the_name_that_is_shown_is_one_of_the_lock() {
    for name in ["Job 1", "*.example.com", &"x".repeat(230), &"x".repeat(251), &"X y".repeat(170)] {
        assert_eq!(names(&names(name).stem), names(name), "{name}");
    }
}

#[test]
fn a_lock_file_leads_back_to_its_guard() {
    for length in [1, 200, 230, 300] {
        let names = names(&"x".repeat(length));
        assert_eq!(Names::of_lock_file(&names.lock).unwrap().guard, names.guard);
    }
    assert_eq!(Names::of_lock_file(".x.guard"), None);
}
