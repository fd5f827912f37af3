//! Configurations, right and wrong.

use certstore_core::ErrorKind;

use super::*;

fn wrong(url: &str) -> String {
    let error = S3Config::from_url(url).and_then(|config| config.check()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{url}");
    error.to_string()
}

#[test]
fn a_url_sets_every_option() {
    let url = "s3://certs/prod/eu?region=eu-west-1&endpoint=http://127.0.0.1:9000&path_style=true&profile=p\
               &access_key_id=AK&secret_access_key=S%2BK&session_token=T&stamped=true&connect_timeout=1s&timeout=1500ms\
               &lease=1m&poll_min=5ms&poll_max=1h&ca_cert=/etc/ca.pem&probe=open";
    let config = S3Config::from_url(url).unwrap();
    assert_eq!((config.bucket.as_str(), config.prefix.as_str()), ("certs", "prod/eu"));
    assert_eq!(config.base(), "prod/eu/");
    assert_eq!(config.region.as_deref(), Some("eu-west-1"));
    assert_eq!(config.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
    assert_eq!((config.path_style, config.profile.as_deref()), (Some(true), Some("p")));
    assert_eq!(config.secret_access_key.as_ref().unwrap().expose(), "S+K");
    assert!(config.stamped);
    assert_eq!(config.connect_timeout, Duration::from_secs(1));
    assert_eq!(config.timeout, Duration::from_millis(1_500));
    assert_eq!(config.lease, Duration::from_secs(60));
    assert_eq!(config.poll_min, Duration::from_millis(5));
    assert_eq!(config.poll_max, Duration::from_secs(3_600));
    assert_eq!(config.ca_cert, Some(PathBuf::from("/etc/ca.pem")));
    assert_eq!(config.probe, Probing::Open);
}

#[test]
fn the_base_has_one_slash_at_its_end() {
    for (prefix, base) in [("", ""), ("/", ""), ("a", "a/"), ("/a/b/", "a/b/")] {
        let mut config = S3Config::new("certs");
        config.prefix = prefix.to_owned();
        assert_eq!(config.base(), base, "{prefix:?}");
    }
}

#[test]
fn mistakes_are_named() {
    assert!(wrong("s3://b?regoin=x").contains("\"region\""));
    assert!(wrong("s3://b?stamped=yes").contains("true or false"));
    assert!(wrong("s3://b?lease=soon").contains("lease: "));
    assert!(wrong("s3:///prefix").contains("no bucket"));
    assert!(wrong("redis://b").contains("s3://bucket/prefix"));
    assert!(wrong("s3://key:secret@b/").contains("access_key_id"));
    assert!(wrong("s3://b/a//b").contains("prefix"));
    assert!(wrong("s3://b?endpoint=minio:9000").contains("endpoint"));
    assert!(wrong("s3://b?access_key_id=AK").contains("secret_access_key"));
    assert!(wrong("s3://b?secretbox_key=short").contains("32 bytes"));
    assert!(wrong("s3://b?timeout=0s").contains("over zero"));
    assert!(wrong("s3://b/%zz").contains("%25"));
}

#[test]
fn no_secret_is_shown() {
    let url = "s3://b?access_key_id=AKcanary&secret_access_key=SKcanary&session_token=Tcanary\
               &secretbox_key=canarycanarycanarycanarycanarych";
    let config = S3Config::from_url(url).unwrap();
    assert!(!format!("{config:?}").contains("canary"));
    assert!(!wrong("s3://b?secretbox_key=canary").contains("canary"));
    assert!(!wrong("s3://canary:canary@b/").contains("canary"));
}

#[test]
fn addresses_and_localhost_are_path_style() {
    let config = S3Config::new("b");
    for endpoint in
        ["http://127.0.0.1:9000", "https://[::1]:9000", "http://localhost", "http://10.0.0.1/"]
    {
        assert!(config.is_path_style(Some(endpoint)), "{endpoint}");
    }
    for endpoint in ["https://s3.example.com", "https://localhost.example.com:9000"] {
        assert!(!config.is_path_style(Some(endpoint)), "{endpoint}");
    }
    assert!(!config.is_path_style(None));
    let forced = S3Config { path_style: Some(true), ..config };
    assert!(forced.is_path_style(Some("https://s3.example.com")));
}
