//! Configurations, right and wrong.

use certstore_core::ErrorKind;

use super::*;

fn wrong(url: &str) -> String {
    let error = SecretsManagerConfig::from_url(url).and_then(|config| config.check()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{url}");
    error.to_string()
}

#[test]
fn a_url_sets_every_option() {
    let url = "secretsmanager://prod/eu?region=eu-west-1&endpoint=http://127.0.0.1:9000&profile=p&access_key_id=AK\
               &secret_access_key=S%2BK&session_token=T&kms_key_id=alias/tls&delete=recover&recovery_window=14\
               &max_versions_per_day=50&max_writes_per_second=20&max_lists_per_second=40&connect_timeout=1s\
               &timeout=1500ms&retries=2&lease=1m&poll_min=5ms&poll_max=1h&handovers=3&ca_cert=/etc/ca.pem";
    let config = SecretsManagerConfig::from_url(url).unwrap();
    assert_eq!((config.prefix.as_str(), config.base().as_str()), ("prod/eu", "prod/eu/"));
    assert_eq!(config.region.as_deref(), Some("eu-west-1"));
    assert_eq!(config.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
    assert_eq!(config.profile.as_deref(), Some("p"));
    assert_eq!(config.access_key_id.as_ref().unwrap().expose(), "AK");
    assert_eq!(config.secret_access_key.as_ref().unwrap().expose(), "S+K");
    assert_eq!(config.session_token.as_ref().unwrap().expose(), "T");
    assert_eq!(config.kms_key_id.as_deref(), Some("alias/tls"));
    assert_eq!((config.delete, config.recovery_window), (Deleting::Recover, 14));
    assert_eq!((config.max_versions_per_day, config.retries, config.handovers), (50, 2, 3));
    assert_eq!((config.max_writes_per_second, config.max_lists_per_second), (20, 40));
    assert_eq!(config.connect_timeout, Duration::from_secs(1));
    assert_eq!(config.timeout, Duration::from_millis(1_500));
    assert_eq!(config.lease, Duration::from_secs(60));
    assert_eq!(config.poll_min, Duration::from_millis(5));
    assert_eq!(config.poll_max, Duration::from_secs(3_600));
    assert_eq!(config.ca_cert, Some(PathBuf::from("/etc/ca.pem")));
    config.check().unwrap();
    let named = url.split(['?', '&']).skip(1).map(|pair| pair.split('=').next().unwrap());
    let mut named: Vec<&str> = named.chain(["prefix"]).collect();
    let mut known: Vec<&str> = SecretsManagerConfig::option_names().collect();
    named.sort_unstable();
    known.sort_unstable();
    assert_eq!(named, known, "every option stands in this test");
}

#[test]
fn the_base_has_one_slash_at_its_end() {
    for (prefix, base) in [("", ""), ("/", ""), ("a", "a/"), ("/a/b/", "a/b/")] {
        assert_eq!(SecretsManagerConfig::new(prefix).base(), base, "{prefix:?}");
    }
    assert_eq!(SecretsManagerConfig::from_url("secretsmanager://").unwrap().base(), "");
}

#[test]
fn mistakes_are_named() {
    let url = |options: &str| wrong(&format!("secretsmanager://p{options}"));
    assert!(url("?regoin=x").contains("\"region\""));
    assert!(url("?delete=maybe").contains("force or recover"));
    assert!(url("?lease=soon").contains("lease: "));
    assert!(url("?retries=many").contains("number"));
    assert!(url("?retries=1000").contains("100"));
    assert!(url("?recovery_window=6").contains("7 to 30"));
    assert!(url("?recovery_window=31").contains("7 to 30"));
    assert!(url("/a//b").contains("prefix"));
    assert!(url("/a%20b").contains("prefix"));
    assert!(url("/../b").contains("prefix"));
    assert!(url(&"x".repeat(300)).contains("256"));
    assert!(url("?endpoint=here:9000").contains("endpoint"));
    assert!(url("?access_key_id=AK").contains("secret_access_key"));
    assert!(url("?secret_access_key=SK").contains("access_key_id"));
    assert!(url("?session_token=T").contains("session_token"));
    assert!(url("?timeout=0s").contains("over zero"));
    assert!(url("%zz").contains("%25"));
    assert!(wrong("s3://b").contains("secretsmanager://prefix"));
    assert!(wrong("secretsmanager://key:secret@p").contains("access_key_id"));
}

#[test]
fn no_secret_is_shown() {
    let url = "secretsmanager://p?access_key_id=AKcanary&secret_access_key=SKcanary&session_token=Tcanary";
    let config = SecretsManagerConfig::from_url(url).unwrap();
    assert!(!format!("{config:?}").contains("canary"));
    assert!(!wrong("secretsmanager://canary:canary@p").contains("canary"));
}
