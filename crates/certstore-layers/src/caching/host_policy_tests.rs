use std::sync::{Arc, Mutex};

use certstore_core::ErrorKind;

use super::*;

#[test]
fn ports_are_stripped_and_nothing_else() {
    for (given, host) in [
        ("example.com", "example.com"),
        ("example.com:443", "example.com"),
        ("example.com:", "example.com"),
        ("192.0.2.1:8443", "192.0.2.1"),
        ("[2001:db8::1]:8443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("example.com:http", "example.com:http"),
        ("[2001:db8::1]x", "[2001:db8::1]x"),
        ("[2001:db8::1", "[2001:db8::1"),
        ("", ""),
    ] {
        assert_eq!(host_without_port(given), host, "{given}");
    }
}

#[tokio::test]
async fn the_policy_sees_hosts_without_ports() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seen_by_policy = seen.clone();
    let policy = wrap_host_policy_no_port(move |host: &str| {
        seen_by_policy.lock().unwrap().push(host.to_owned());
        match host {
            "example.com" => Ok(()),
            _ => Err(Error::new(ErrorKind::PermissionDenied, "not ours")),
        }
    });
    policy.check("example.com:8443").await.unwrap();
    policy.check("example.com").await.unwrap();
    let refused = policy.check("example.org:8443").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    assert_eq!(*seen.lock().unwrap(), ["example.com", "example.com", "example.org"]);
}
