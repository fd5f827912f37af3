use certstore_core::ErrorKind;

use super::*;

#[test]
fn names_that_a_public_authority_may_take_qualify() {
    for name in [
        "example.com",
        "Sub.Example.COM",
        "*.example.com",
        "*.a.example.com",
        "bücher.example",
        "a-b.example",
        "xn--bcher-kva.example",
    ] {
        assert!(host_qualifies(name), "{name}");
    }
}

#[test]
fn names_that_none_takes_do_not_qualify() {
    for name in [
        "",
        " ",
        ".",
        "example.com.",
        ".example.com",
        "localhost",
        "a.localhost",
        "printer.local",
        "x.home.arpa",
        "db.internal",
        "127.0.0.1",
        "8.8.8.8",
        "::1",
        "[::1]",
        "*",
        "*.com",
        "*.localhost",
        "a.*.example.com",
        "**.example.com",
        "*a.example.com",
        "*.*.example.com",
        "a b.example",
        "a/b",
        "a..b",
        "exa\nmple.com",
        "1.2.3",
    ] {
        assert!(!host_qualifies(name), "{name:?}");
    }
}

#[test]
fn subjects_are_in_one_form() {
    for (given, form) in [
        ("EXAMPLE.com", "example.com"),
        ("*.Bücher.example", "*.xn--bcher-kva.example"),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("2001:0DB8:0::1", "2001:db8::1"),
    ] {
        assert_eq!(subject(given).expect("a name"), form, "{given}");
    }
}

#[test]
fn what_can_be_no_subject_is_refused_by_name() {
    let long_label = format!("{}.example", "a".repeat(64));
    let long_name = format!("{}example", "abc.".repeat(62));
    for given in ["", "a..b", &long_label, &long_name, "*", "1.2.3", "a b", "\u{202e}evil.example"]
    {
        let error = subject(given).expect_err(given);
        assert_eq!(error.kind(), ErrorKind::InvalidKey, "{given}");
        assert!(!error.to_string().contains('\u{202e}'), "{error}");
    }
}

#[test]
fn private_names_are_told_by_their_last_part() {
    for name in [
        "localhost",
        "a.localhost",
        "10.0.0.1",
        "fd00::1",
        "fe80::1",
        "192.168.1.1",
        "::1",
        "web.internal",
    ] {
        assert!(is_private_subject(name), "{name}");
    }
    for name in ["notlocalhost", "mylocal", "example.com", "8.8.8.8", "2001:db8::1"] {
        assert!(!is_private_subject(name), "{name}");
    }
}
