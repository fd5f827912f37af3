use super::*;

#[test]
fn percent_encoding_there_and_back() {
    for text in ["", "a/b", "a b+c%41", "\u{fc}\u{1f600}&=?#", "..//"] {
        assert_eq!(percent_decode(&percent_encode(text)), text);
    }
    assert_eq!(percent_encode("a b/\u{fc}"), "a%20b/%C3%BC");
    assert_eq!(query_encode("a/b"), "a%2Fb");
    assert_eq!(query_decode("a+b%2B%2"), "a b+%2");
    assert_eq!(percent_decode("a+b"), "a+b");
    assert_eq!(percent_decode("%zz"), "%zz");
}

#[test]
fn tokens_there_and_back() {
    for name in ["", "a/b", "\u{fc}"] {
        assert_eq!(from_token(&to_token(name)).as_deref(), Some(name));
    }
    for token in ["", "a/b", "t1", "tzz", "t+1", "tff"] {
        assert_eq!(from_token(token), None, "{token}");
    }
}

#[test]
fn xml_there_and_back() {
    for text in ["", "a&b<c>\"d'\r", "&amp;", "\u{fc}"] {
        assert_eq!(from_xml_text(&xml_text(text)), text);
    }
    assert_eq!(from_xml_text("&#38;&#x26;&apos;&quot;"), "&&'\"");
}
