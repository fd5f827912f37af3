use std::time::Duration;

use certstore_core::ErrorKind;

use super::*;

#[test]
fn a_url_tells_all() {
    let url = "rediss://us%65r:p%40ss@[::1]:7000/3?prefix=a%2Fb&lease=1m30s&mode=sentinel&master=m&nodes=a:1,%20b&wake=none";
    let config = RedisConfig::from_url(url).unwrap();
    assert_eq!(config.username.as_deref(), Some("user"));
    assert_eq!(config.password.as_ref().unwrap().expose(), "p@ss");
    assert_eq!(config.address, Some(Address { host: "::1".into(), port: 7000 }));
    assert_eq!(config.db, 3);
    assert_eq!(config.prefix, "a/b");
    assert_eq!(config.lease, Duration::from_secs(90));
    assert_eq!(config.mode, Mode::Sentinel);
    assert_eq!(config.wake, WakeUp::None);
    assert!(config.tls);
    let addresses: Vec<_> = config.addresses().map(|address| address.to_string()).collect();
    assert_eq!(addresses, ["[::1]:7000", "a:1", "b:6379"]);
    config.check().unwrap();
}

#[test]
fn what_is_left_out_has_defaults() {
    let config = RedisConfig::from_url("redis://").unwrap();
    assert_eq!(config.addresses().next().unwrap().to_string(), "127.0.0.1:6379");
    assert_eq!((config.db, config.prefix.as_str(), config.tls), (0, "certstore", false));
    assert_eq!(config.timeout, Duration::from_secs(3));
    assert!(config.restart_grace.is_zero());
    let password_only = RedisConfig::from_url("redis://:secret@host").unwrap();
    assert!(password_only.username.is_none() && password_only.password.is_some());
}

#[test]
fn the_layout_of_caddy_has_the_prefix_of_caddy() {
    let prefix = |url: &str| RedisConfig::from_url(url).unwrap().prefix;
    assert_eq!(prefix("redis://?layout=caddy"), "caddy");
    assert_eq!(prefix("redis://?layout=caddy&layout=certstore"), "certstore");
    assert_eq!(prefix("redis://?layout=caddy&prefix=certstore"), "certstore");
    assert_eq!(prefix("redis://?prefix=certstore&layout=caddy"), "certstore");
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        ("http://host", "redis://"),
        ("redis://host:0", "port"),
        ("redis://host:99999", "port"),
        ("redis://host/x", "number of a database"),
        ("redis://host?prefx=a", "\"prefix\""),
        ("redis://host?mode=many", "single or cluster or sentinel"),
        ("redis://host?lease=soon", "lease: "),
        ("redis://host?prefix=%zz", "hexadecimal"),
        ("redis://host#x", "%23"),
    ];
    for (url, part) in cases {
        let error = RedisConfig::from_url(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains(part), "{url}: {error}");
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let refused = |change: fn(&mut RedisConfig)| {
        let mut config = RedisConfig::new("host", 1);
        change(&mut config);
        let error = config.check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
    };
    refused(|config| config.prefix = "a{b}".into());
    refused(|config| config.prefix.clear());
    refused(|config| config.mode = Mode::Sentinel);
    refused(|config| config.master = Some("m".into()));
    refused(|config| (config.mode, config.db) = (Mode::Cluster, 1));
    refused(|config| config.ca_cert = Some("ca.pem".into()));
    refused(|config| config.lease = Duration::from_millis(1));
    refused(|config| config.timeout = Duration::ZERO);
    refused(|config| config.username = Some("user".into()));
}

#[test]
fn no_text_shows_a_secret() {
    let url = "redis://user:hunter2@host:x?password=hunter2";
    assert!(!RedisConfig::from_url(url).unwrap_err().to_string().contains("hunter2"));
    for url in [
        "redis://user:12?hunter2@host/0",
        "redis://user:12?hunter2=x@host/0",
        "redis://user:12/hunter2@host/0",
        "redis://user:a?b&hunter2%40=x",
        "redis://host?hunter2",
    ] {
        let error = RedisConfig::from_url(url).unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    let error = RedisConfig::from_url("redis://user:12?s3cret@host/0").unwrap_err().to_string();
    assert!(error.contains("percent-encoded"), "{error}");
    let url = "redis://user:hunter2@host?sentinel_password=hunter2&encryption_key=hunter2";
    assert!(!format!("{:?}", RedisConfig::from_url(url).unwrap()).contains("hunter2"));
}
