use super::*;

#[test]
fn names_of_local_data() {
    for local in [
        "example.com+token",
        "example.com+rsa",
        "acme_account.key+token",
        "acme_account+key",
        "acme_account.key",
        "something/http-01/foo",
        "x3Jk+http-01",
    ] {
        assert!(is_local_name(local), "{local}");
    }
    for shared in ["example.com", "foo.bar.org", "rsa", "token", "my_acme_account+key", ""] {
        assert!(!is_local_name(shared), "{shared}");
    }
}

#[test]
fn names_of_account_keys_are_whole() {
    assert!(is_acme_account_key("acme_account+key"));
    assert!(is_acme_account_key("acme_account.key"));
    for other in ["acme_account.key+token", "an_acme_account+key", "acme_account", "example.com"] {
        assert!(!is_acme_account_key(other), "{other}");
    }
}

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

#[test]
fn routes_by_the_documentation() {
    let routes = Routes::default();
    assert_eq!(routes.of("example.com").unwrap(), Route::Backing(key("example.com")));
    for local in ["example.com+rsa", "example.com+token", "acme_account+key", "acme_account.key"] {
        assert_eq!(routes.of(local).unwrap(), Route::Local(key(local)));
    }
}

#[test]
fn both_spellings_of_the_account_key_are_saved_as_one_name() {
    let routes = Routes { account_key: Some(account_key_name("fleet").unwrap()), share_rsa: false };
    for name in ACCOUNT_KEYS {
        assert_eq!(routes.of(name).unwrap(), Route::Backing(key("fleet")));
    }
    assert_eq!(routes.of("a+token").unwrap(), Route::Local(key("a+token")));
}

#[test]
fn rsa_certificates_are_shared_on_request() {
    let routes = Routes { account_key: None, share_rsa: true };
    assert_eq!(routes.of("a.org+rsa").unwrap(), Route::Backing(key("a.org+rsa")));
    assert_eq!(routes.of("a.org+token").unwrap(), Route::Local(key("a.org+token")));
}

#[test]
fn a_name_that_is_no_key_is_told_as_such() {
    for name in ["", "../x", "a b", "../x+token", "/etc/passwd+rsa"] {
        let error = Routes::default().of(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidKey, "{name}");
    }
    assert_eq!(account_key_name("a//b").unwrap_err().kind(), ErrorKind::InvalidConfig);
}
