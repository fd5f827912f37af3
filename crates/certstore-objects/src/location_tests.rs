//! URLs and prefixes, right and wrong.

use super::*;

const FORM: UrlForm = UrlForm {
    scheme: "os",
    named: "a storage is named by os://bucket/prefix",
    url: "an os: URL",
    credentials: "give them by options",
};

fn wrong(url: &str) -> String {
    let error = FORM.parse(url).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{url}");
    error.to_string()
}

#[test]
fn a_url_is_taken_apart_and_decoded() {
    let location = FORM.parse("os://certs/a%20b/c?key=S%2BK&lease=1m").unwrap();
    assert_eq!((location.bucket.as_str(), location.prefix.as_str()), ("certs", "a b/c"));
    let options = [("key", "S+K"), ("lease", "1m")];
    assert_eq!(location.options, options.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(FORM.parse("os://certs").unwrap().prefix, "");
    assert!(!format!("{location:?}").contains("S+K"));
}

#[test]
fn other_urls_are_refused() {
    for url in ["s3://certs", "os:certs", "oss://certs"] {
        assert!(wrong(url).contains("named by os://bucket/prefix"), "{url}");
    }
    assert!(wrong("os://certs#a").contains("write # in an os: URL as %23"));
    let credentials = wrong("os://canary:canary@b/");
    assert!(credentials.contains("give them by options") && !credentials.contains("canary"));
    assert!(wrong("os://b/%zz").contains("%25"));
    assert!(wrong("os://b?x").contains("name=value"));
}

#[test]
fn the_base_has_one_slash_at_its_end() {
    for (prefix, expected) in [("", ""), ("/", ""), ("a", "a/"), ("/a/b/", "a/b/")] {
        assert_eq!(base(prefix), expected, "{prefix:?}");
    }
}

#[test]
fn a_prefix_is_made_of_plain_components() {
    for prefix in ["", "/a/b/", "a b", &"p".repeat(512)] {
        check_prefix(prefix).unwrap();
    }
    for (prefix, rule) in [
        ("a//b", "empty, . or .."),
        ("a/../b", "empty, . or .."),
        ("a\nb", "control characters"),
        (&*"p".repeat(513), "512 bytes"),
    ] {
        let error = check_prefix(prefix).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains(rule), "{error}");
    }
}
