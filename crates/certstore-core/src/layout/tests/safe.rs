use super::{Texts, digest};
use crate::layout::StorageKeys;

#[test]
fn as_go_safe() {
    for (name, safe) in [
        ("", ""),
        (" ", ""),
        (".", "."),
        ("..", ""),
        ("...", "."),
        ("....", ""),
        ("example.com", "example.com"),
        ("*.example.com", "wildcard_.example.com"),
        ("2001:db8::1", "2001-db8--1"),
        ("[::1]", "--1"),
        ("127.0.0.1:14000", "127.0.0.1-14000"),
        ("user+tag@Example.com", "user_plus_tag@example.com"),
        ("a/../../../foo", "afoo"),
        ("b\\..\\..\\..\\foo", "bfoo"),
        ("c/foo", "cfoo"),
        ("a...b", "a.b"),
        ("a....b", "ab"),
        ("..a..", "a"),
        ("müller.de", "mller.de"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("a b", "a_b"),
        ("a_b", "a_b"),
        ("a,b.com", "ab.com"),
        ("a\0b", "ab"),
        ("%2e%2e", "2e2e"),
        ("~", ""),
    ] {
        assert_eq!(StorageKeys::safe(name), safe, "{name:?}");
    }
}

/// Dots that only meet once the characters between them are gone stay: keys have to look again.
#[test]
fn dots_can_come_out() {
    for (name, safe) in [("./.", ".."), (".\\.", ".."), ("x/./.", "x.."), (". .", "._.")] {
        assert_eq!(StorageKeys::safe(name), safe, "{name:?}");
    }
}

#[test]
fn white_space_of_unicode_is_trimmed_and_inner_spaces_are_kept() {
    assert_eq!(StorageKeys::safe(" \t\u{a0}A \u{2003}"), "a");
    assert_eq!(StorageKeys::safe("\u{1c} a"), "_a");
    let trimmed: Vec<u32> = ('\u{80}'..=char::MAX)
        .filter(|c| StorageKeys::safe(&format!("{c} a")) == "a")
        .map(u32::from)
        .collect();
    let mut spaces = vec![0x85, 0xa0, 0x1680];
    spaces.extend(0x2000..=0x200a);
    spaces.extend([0x2028, 0x2029, 0x202f, 0x205f, 0x3000]);
    assert_eq!(trimmed, spaces);
}

/// Of all of Unicode outside ASCII, only two characters have an ASCII lower case.
#[test]
fn lower_case_of_unicode() {
    let kept: Vec<(char, String)> = ('\u{80}'..=char::MAX)
        .map(|c| (c, StorageKeys::safe(c.encode_utf8(&mut [0; 4]))))
        .filter(|(_, safe)| !safe.is_empty())
        .collect();
    assert_eq!(kept, [('\u{130}', "i".to_owned()), ('\u{212a}', "k".to_owned())]);
    for (name, safe) in [
        ("\u{212a}elvin", "kelvin"),
        ("\u{130}stanbul", "istanbul"),
        ("ΑΣ.gr", ".gr"),
        ("A\u{30a}", "a"),
    ] {
        assert_eq!(StorageKeys::safe(name), safe, "{name:?}");
    }
}

#[test]
fn random_names_as_go_safe() {
    assert_eq!(digest(|texts: &mut Texts| StorageKeys::safe(&texts.name())), 0x216d_f48d_2ef3_93c9);
}
