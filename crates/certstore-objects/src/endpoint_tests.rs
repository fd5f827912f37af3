//! Endpoints, right and wrong.

use super::*;

#[test]
fn an_endpoint_is_a_host_of_http_and_nothing_behind_it() {
    for endpoint in ["http://host", "https://host:9000/", "https://[::1]:9000"] {
        assert!(is_http(endpoint), "{endpoint}");
    }
    for endpoint in ["host:9000", "ftp://host", "https://", "https://a@host", "http://host/path"] {
        assert!(!is_http(endpoint), "{endpoint}");
    }
}

#[test]
fn what_can_be_read_on_the_way_is_told_from_what_cannot() {
    for (endpoint, cleartext) in [
        ("http://storage.example.com", true),
        ("http://10.0.0.1:9000", true),
        ("http://[2001:db8::1]:9000", true),
        ("https://storage.example.com", false),
        ("http://127.0.0.1:9000", false),
        ("http://[::1]:9000", false),
        ("http://localhost", false),
    ] {
        assert_eq!(is_cleartext(endpoint), cleartext, "{endpoint}");
    }
}

#[test]
fn addresses_and_localhost_are_no_domains() {
    for endpoint in
        ["http://127.0.0.1:9000", "https://[::1]:9000", "http://localhost", "http://10.0.0.1/"]
    {
        assert!(is_domainless(endpoint), "{endpoint}");
    }
    for endpoint in ["https://s3.example.com", "https://localhost.example.com:9000"] {
        assert!(!is_domainless(endpoint), "{endpoint}");
    }
}

#[test]
fn a_host_has_no_port_and_no_brackets() {
    for (authority, expected) in
        [("host", "host"), ("host:1", "host"), ("[::1]:1", "::1"), ("[::1", ""), ("", "")]
    {
        assert_eq!(host(authority), expected, "{authority}");
    }
}
