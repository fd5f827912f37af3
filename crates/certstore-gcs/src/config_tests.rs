//! Configurations, right and wrong.

use certstore_core::ErrorKind;

use super::*;

fn wrong(url: &str) -> String {
    let error = GcsConfig::from_url(url).and_then(|config| config.check()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{url}");
    error.to_string()
}

#[test]
fn a_url_sets_every_option() {
    let url = "gs://certs/prod/eu?endpoint=http://127.0.0.1:4443&access_token=T%2BK&anonymous=false\
               &credentials_file=/etc/key.json&timeout=1500ms&lease=1m&poll_min=5ms&poll_max=1h&handovers=3";
    let config = GcsConfig::from_url(url).unwrap();
    assert_eq!((config.bucket.as_str(), config.prefix.as_str()), ("certs", "prod/eu"));
    assert_eq!(config.base(), "prod/eu/");
    assert_eq!(config.endpoint.as_deref(), Some("http://127.0.0.1:4443"));
    assert_eq!(config.access_token.as_ref().unwrap().expose(), "T+K");
    assert_eq!(config.credentials_file, Some(PathBuf::from("/etc/key.json")));
    assert!(!config.anonymous);
    assert_eq!(config.timeout, Duration::from_millis(1_500));
    assert_eq!(config.lease, Duration::from_secs(60));
    assert_eq!(config.poll_min, Duration::from_millis(5));
    assert_eq!(config.poll_max, Duration::from_secs(3_600));
    assert_eq!(config.handovers, 3);
    let named = url.split(['?', '&']).skip(1).filter_map(|pair| pair.split_once('='));
    let named: std::collections::BTreeSet<_> = named.map(|(name, _)| name).collect();
    let others: Vec<_> = GcsConfig::option_names().filter(|name| !named.contains(name)).collect();
    assert_eq!(others, ["bucket", "prefix"]);
}

#[test]
fn the_base_has_one_slash_at_its_end() {
    for (prefix, base) in [("", ""), ("/", ""), ("a", "a/"), ("/a/b/", "a/b/")] {
        let mut config = GcsConfig::new("certs");
        config.prefix = prefix.to_owned();
        assert_eq!(config.base(), base, "{prefix:?}");
    }
}

#[test]
fn mistakes_are_named() {
    assert!(wrong("gs://b?endpiont=x").contains("\"endpoint\""));
    assert!(wrong("gs://b?anonymous=yes").contains("true or false"));
    assert!(wrong("gs://b?lease=soon").contains("lease: "));
    assert!(wrong("gs://b?handovers=many").contains("handovers"));
    assert!(wrong("gs:///prefix").contains("no bucket"));
    assert!(wrong("gs://Certs").contains("a-z"));
    assert!(wrong("s3://b").contains("gs://bucket/prefix"));
    assert!(wrong("gs://key:secret@b/").contains("credentials_file"));
    assert!(wrong("gs://b/a//b").contains("prefix"));
    assert!(wrong("gs://b/.well-known/acme-challenge").contains("prefix"));
    assert!(wrong("gs://b?endpoint=host:9000").contains("endpoint"));
    assert!(wrong("gs://b?access_token=T&anonymous=true").contains("only one"));
    assert!(wrong("gs://b?access_token=T&credentials_file=f").contains("only one"));
    assert!(wrong("gs://b?timeout=0s").contains("over zero"));
    assert!(wrong("gs://b/%zz").contains("%25"));
}

#[test]
fn no_secret_is_shown() {
    let config = GcsConfig::from_url("gs://b?access_token=canary").unwrap();
    assert!(!format!("{config:?}").contains("canary"));
    assert!(!wrong("gs://b?access_token=canary%0A").contains("canary"));
    assert!(!wrong("gs://canary:canary@b/").contains("canary"));
}
