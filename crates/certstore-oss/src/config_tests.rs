use std::time::Duration;

use certstore_core::{ErrorKind, Secret};

use super::{Addressing, LockMode, OssConfig, Signature};

#[test]
fn a_url_says_everything() {
    let config = OssConfig::from_url(
        "oss://certs/a%20b/c?endpoint=http://127.0.0.1:9000&region=cn-x&addressing=path&signature=v1&access_key_id=id\
         &access_key_secret=s%2Bs&session_token=t&ca_cert=/ca.pem&timeout=3s&connect_timeout=1s&lease=20s&poll_min=10ms\
         &poll_max=50ms&handovers=3&lock_mode=certmagic-oss&lock_expiration=2m&lock_poll_interval=2s&rotate_at=8192",
    )
    .unwrap();
    assert_eq!((config.bucket.as_str(), config.base().as_str()), ("certs", "a b/c/"));
    assert_eq!(config.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
    assert_eq!(config.region.as_deref(), Some("cn-x"));
    assert_eq!((config.addressing, config.signature), (Addressing::Path, Signature::V1));
    let text = |secret: &Option<Secret>| secret.as_ref().unwrap().expose().to_owned();
    assert_eq!(text(&config.access_key_id), "id");
    assert_eq!(text(&config.access_key_secret), "s+s");
    assert_eq!(text(&config.session_token), "t");
    assert_eq!(config.timeout, Duration::from_secs(3));
    assert_eq!(config.lease(), Duration::from_secs(20));
    assert_eq!((config.handovers, config.rotate_at), (3, 8192));
    assert_eq!(config.lock_mode, LockMode::CertmagicOss);
    assert_eq!(config.lock_expiration, Duration::from_secs(120));
    assert_eq!(config.lock_poll_interval, Duration::from_secs(2));
    config.check().unwrap();
}

#[test]
fn every_option_can_be_set_and_a_wrong_one_names_the_right() {
    assert_eq!(OssConfig::option_names().count(), 20);
    let mut config = OssConfig::new("certs");
    for (key, value, words) in [
        ("regoin", "x", "did you mean \"region\"?"),
        ("lock_mode", "redis", "append or certmagic-oss"),
        ("addressing", "host", "auto or path or virtual"),
        ("signature", "v2", "v4 or v1"),
        ("rotate_at", "1 MiB", "rotate_at"),
        ("handovers", "-1", "handovers"),
        ("timeout", "soon", "timeout"),
    ] {
        let error = config.set(key, value).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn what_can_be_wrong_without_asking_is_said() {
    type Change = fn(&mut OssConfig);
    let changes: [(Change, &str); 14] = [
        (|config| config.bucket.clear(), "no bucket"),
        (|config| config.bucket = "Certs".into(), "bucket has"),
        (|config| config.prefix = "a/../b".into(), "prefix has no component"),
        (|config| config.prefix = "\\a".into(), "backslash"),
        (|config| config.region = None, "no region"),
        (|config| config.region = Some("cn hangzhou".into()), "region"),
        (|config| config.endpoint = Some("https://host/path".into()), "endpoint"),
        (|config| config.access_key_id = Some(Secret::new("x")), "without access_key_secret"),
        (|config| config.access_key_secret = Some(Secret::new("x")), "without access_key_id"),
        (|config| config.session_token = Some(Secret::new("x")), "session_token is given"),
        (|config| config.timeout = Duration::ZERO, "over zero"),
        (|config| config.rotate_at = 10, "rotate_at"),
        (
            |config| {
                config.lock_mode = LockMode::CertmagicOss;
                config.lease = Some(Duration::from_secs(50));
            },
            "at most 45 s",
        ),
        (
            |config| {
                config.lock_mode = LockMode::CertmagicOss;
                config.lock_expiration = Duration::from_secs(59);
            },
            "lock_expiration",
        ),
    ];
    for (change, words) in changes {
        let mut config = OssConfig::from_url("oss://certs?region=cn-hangzhou").unwrap();
        config.check().unwrap();
        change(&mut config);
        let error = config.check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn leases_fit_the_way_of_locking() {
    let mut config = OssConfig::new("certs");
    assert_eq!(config.lease(), Duration::from_secs(30));
    config.lock_mode = LockMode::CertmagicOss;
    // Renewed every third: 15 s.
    assert_eq!(config.lease(), Duration::from_secs(45));
}

#[test]
fn other_urls_are_refused() {
    for url in ["s3://certs", "oss:certs", "oss://id:secret@certs/", "oss://certs#a", "oss://c?x"] {
        assert_eq!(OssConfig::from_url(url).unwrap_err().kind(), ErrorKind::InvalidConfig, "{url}");
    }
}
