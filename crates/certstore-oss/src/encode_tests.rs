use super::{decode, path, query, xml};

#[test]
fn names_go_there_and_back() {
    for name in ["", "a/b", "a b+c%41", "\u{fc}&=?#*", "~.-_"] {
        assert_eq!(decode(&path(name)).as_deref(), Some(name));
        assert_eq!(decode(&query(name)).as_deref(), Some(name));
    }
    assert_eq!(path("a b/\u{fc}*"), "a%20b/%C3%BC%2A");
    assert_eq!(query("a/b"), "a%2Fb");
    assert_eq!(decode("a+b%2Fc").as_deref(), Some("a b/c"));
    for broken in ["%", "%4", "%zz", "a%+1"] {
        assert_eq!(decode(broken), None, "{broken}");
    }
}

#[test]
fn xml_says_when_it_cannot() {
    assert_eq!(xml("a&b<c>").as_deref(), Some("a&amp;b&lt;c&gt;"));
    for name in ["a\nb", "\u{0}", "\u{7f}", "\u{FFFF}"] {
        assert_eq!(xml(name), None, "{name:?}");
    }
}
