use certstore_core::Result;

use super::Endpoint;
use crate::config::OssConfig;

fn of(options: &str) -> Result<Endpoint> {
    Endpoint::of(&OssConfig::from_url(&format!("oss://certs?{options}"))?)
}

#[test]
fn the_bucket_stands_where_the_server_looks_for_it() {
    for (options, url) in [
        ("region=cn-hangzhou", "https://certs.oss-cn-hangzhou.aliyuncs.com/a/b%20c"),
        ("region=oss-cn-hangzhou", "https://certs.oss-cn-hangzhou.aliyuncs.com/a/b%20c"),
        (
            "endpoint=oss-cn-beijing.aliyuncs.com",
            "https://certs.oss-cn-beijing.aliyuncs.com/a/b%20c",
        ),
        ("endpoint=http://127.0.0.1:90&region=x", "http://127.0.0.1:90/certs/a/b%20c"),
        ("endpoint=http://[::1]:90/&region=x", "http://[::1]:90/certs/a/b%20c"),
        ("endpoint=localhost&region=x", "https://localhost/certs/a/b%20c"),
        ("endpoint=http://oss.test&region=x&addressing=path", "http://oss.test/certs/a/b%20c"),
        ("endpoint=http://localhost&region=x&addressing=virtual", "http://certs.localhost/a/b%20c"),
    ] {
        assert_eq!(of(options).unwrap().url(Some("a/b c")), url, "{options}");
    }
    assert_eq!(
        of("region=x&addressing=path").unwrap().url(None),
        "https://oss-x.aliyuncs.com/certs/"
    );
    assert_eq!(of("region=x").unwrap().url(None), "https://certs.oss-x.aliyuncs.com/");
}

#[test]
fn the_region_is_given_or_stands_in_the_name() {
    for (options, region) in [
        ("region=cn-hangzhou", "cn-hangzhou"),
        ("endpoint=oss-cn-beijing.aliyuncs.com", "cn-beijing"),
        ("endpoint=https://oss-cn-beijing-internal.aliyuncs.com", "cn-beijing"),
        ("endpoint=https://oss-cn-beijing.aliyuncs.com&region=cn-shanghai", "cn-shanghai"),
        ("endpoint=http://127.0.0.1&signature=v1", ""),
    ] {
        assert_eq!(of(options).unwrap().region, region, "{options}");
    }
    for options in
        ["", "signature=v1", "endpoint=http://127.0.0.1", "endpoint=oss-accelerate.aliyuncs.com"]
    {
        assert!(of(options).unwrap_err().to_string().contains("no region"), "{options}");
    }
}

#[test]
fn what_is_no_endpoint_is_refused() {
    for endpoint in [
        "https://",
        "https://:9000",
        "ftp://host",
        "http://a@b",
        "http://host/path",
        "http://h?x",
        "a b",
    ] {
        let mut config = OssConfig::new("certs");
        config.region = Some("x".into());
        config.endpoint = Some(endpoint.into());
        assert!(Endpoint::of(&config).is_err(), "{endpoint}");
    }
}

#[test]
fn cleartext_is_what_leaves_the_machine_unprotected() {
    for (endpoint, cleartext) in [
        ("http://oss.test", true),
        ("https://oss.test", false),
        ("http://127.0.0.1:1", false),
        ("http://localhost", false),
    ] {
        assert_eq!(of(&format!("endpoint={endpoint}&region=x")).unwrap().is_cleartext(), cleartext);
    }
}
