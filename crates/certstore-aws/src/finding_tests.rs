//! Settings, found and not.

use super::*;

fn given<'a>(ca_cert: Option<&'a Path>) -> Finding<'a> {
    Finding {
        region: Some("eu-west-1"),
        profile: None,
        access_key_id: None,
        secret_access_key: None,
        session_token: None,
        ca_cert,
        no_region: "no region is known",
    }
}

#[tokio::test]
async fn the_region_that_is_given_wins() {
    assert_eq!(given(None).region().await.unwrap().as_ref(), "eu-west-1");
}

#[test]
fn a_certificate_file_holds_certificates() {
    for path in ["/does/not/exist.pem", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")] {
        let error = given(Some(Path::new(path))).http_client().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(
            error.to_string().contains("ca_cert") && error.to_string().contains(path),
            "{error}"
        );
    }
}
