use std::collections::BTreeMap;

use certstore_core::Secret;

use super::Rfc2136;
use crate::DnsError;

fn with(changes: &[(&str, Option<&str>)]) -> Result<Rfc2136, DnsError> {
    let mut settings: BTreeMap<&str, &str> = BTreeMap::from([
        ("server", "127.0.0.1:5353"),
        ("key_name", "update.key"),
        ("key_algorithm", "hmac-sha512"),
        ("key", "aHVudGVyMg=="),
    ]);
    for (name, value) in changes {
        match value {
            Some(value) => settings.insert(name, value),
            None => settings.remove(name),
        };
    }
    let settings =
        settings.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect();
    Rfc2136::from_settings(&settings)
}

#[test]
fn a_server_is_made_of_its_settings() {
    let made = with(&[]).unwrap();
    assert_eq!(made.to_string(), "the DNS server 127.0.0.1:5353");
    let shown = format!("{made:?}");
    assert!(shown.contains("update.key") && !shown.contains("hunter"), "{shown}");
    assert!(!shown.contains("aHVu"), "{shown}");
    for (server, address) in [("::1", "[::1]:53"), ("192.0.2.1", "192.0.2.1:53")] {
        let made = with(&[("server", Some(server)), ("key_algorithm", None)]).unwrap();
        assert_eq!(made.to_string(), format!("the DNS server {address}"));
    }
}

#[test]
fn a_setting_of_no_use_is_told_and_not_shown() {
    for (change, why) in [
        (("server", Some("ns.example")), "server is no IP address, alone or with a port"),
        (("key_name", Some("a..b")), "key_name is no name of DNS"),
        (
            ("key_algorithm", Some("hmac-md5")),
            "key_algorithm is none of hmac-sha256, hmac-sha384 and hmac-sha512",
        ),
        (("key", Some("hunter2!")), "key is no base64"),
        (("key", None), "the setting key is missing"),
        (
            ("zone", Some("hunter2")),
            "there is no setting zone; there are server, key_name, key_algorithm, key",
        ),
    ] {
        let line = format!("the DNS provider rfc2136 cannot be set up: {why}");
        assert_eq!(with(&[change]).unwrap_err().to_string(), line);
    }
}
