use crate::{Config, ErrorKind};

use super::StorageUrl;

#[test]
fn parts_are_split_and_decoded() {
    let url = StorageUrl::parse("Redis://us%40er:p%3Aw@host:6379/0?prefix=a%2Fb&x=1").unwrap();
    assert_eq!((url.scheme.as_str(), url.user.as_deref()), ("redis", Some("us@er")));
    assert_eq!(url.password.as_ref().map(|secret| secret.expose()), Some("p:w"));
    assert_eq!((url.authority.as_deref(), url.path.as_str()), (Some("host:6379"), "/0"));
    assert_eq!(url.query, [("prefix".into(), "a/b".into()), ("x".into(), "1".into())]);
    assert_eq!(StorageUrl::parse("memory:").unwrap().authority, None);
    assert_eq!(StorageUrl::parse("file:data/x").unwrap().path, "data/x");
}

#[test]
fn a_password_is_in_no_output() {
    const CANARY: &str = "hunter2-canary";
    let parsed = StorageUrl::parse(&format!("redis://u:{CANARY}@h/?token={CANARY}")).unwrap();
    assert!(!format!("{parsed:?}").contains(CANARY));
    for url in [
        format!("redis://u:{CANARY}@h/"),
        format!("file://u:{CANARY}@h/x"),
        format!("u:{CANARY}@h"),
        format!("file:///x?pasword={CANARY}"),
        format!("file://{CANARY}@/x?%zz"),
    ] {
        // A build with Redis takes the first one.
        let shown = match Config::from_url(&url) {
            Ok(config) => format!("{config:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        assert!(!shown.contains(CANARY), "{shown}");
    }
}

#[test]
fn faults_are_named() {
    for (url, part) in [
        ("/var/lib/x", "starts with a scheme"),
        ("", "starts with a scheme"),
        ("c:/x", "starts with a scheme"),
        ("fil:///x", "unknown scheme \"fil\" of a storage URL; the nearest is \"file\""),
        ("file:", "needs a path"),
        ("file://host/x", "has no host"),
        ("file:///x?pth=1", "unknown parameter \"pth\" of a file: URL; the nearest is \"path\""),
        ("file:///x?backend=memory", "unknown parameter \"backend\""),
        ("file:///x?path", "name=value"),
        ("file:///%zz", "two hexadecimal digits"),
        ("file:///%ff", "UTF-8"),
        ("memory:x", "has no path"),
        ("memory:\n", "no control characters"),
    ] {
        let error = Config::from_url(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{url:?}");
        assert!(error.to_string().contains(part), "{url:?}: {error}");
        assert!(!error.to_string().contains('\n'), "{url:?}");
    }
}
