//! Where tokens come from, and what they are good for.

use certstore_conformance::loopback_gcs::LoopbackGcs;
use serde_json::{Value, json};

use super::client::{put, send};

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn a_refresh_token_gets_an_access_token() {
    let server = LoopbackGcs::start().unwrap();
    let file = json_of(&server.authorized_user());
    let mut fields = json!({
        "grant_type": "refresh_token",
        "client_id": file["client_id"],
        "client_secret": file["client_secret"],
        "refresh_token": file["refresh_token"],
    });
    let given = send(&server, "POST", "/token", &[], &fields.to_string());
    assert_eq!(given.status, 200);
    let token = json_of(&given.body)["access_token"].as_str().unwrap().to_owned();
    assert_eq!(token, server.token());
    fields["refresh_token"] = "another".into();
    let refused = send(&server, "POST", "/token", &[], &fields.to_string());
    assert_eq!((refused.status, &json_of(&refused.body)["error"]), (400, &"invalid_grant".into()));
    fields["client_secret"] = "another".into();
    let refused = send(&server, "POST", "/token", &[], &fields.to_string());
    assert_eq!((refused.status, &json_of(&refused.body)["error"]), (401, &"invalid_client".into()));
}

#[test]
fn the_metadata_server_answers_whom_it_is_meant_for() {
    let server = LoopbackGcs::start().unwrap();
    let path = "/computeMetadata/v1/instance/service-accounts/default/token";
    assert_eq!(send(&server, "GET", path, &[], "").status, 403);
    let given = send(&server, "GET", path, &["metadata-flavor: Google"], "");
    assert_eq!(json_of(&given.body)["access_token"], server.token());
    let path = "/computeMetadata/v1/universe/universe-domain";
    let domain = send(&server, "GET", path, &["metadata-flavor: Google"], "");
    assert_eq!(domain.body, "googleapis.com");
}

#[test]
fn nobody_comes_in_without_a_token_unless_that_is_allowed() {
    let server = LoopbackGcs::start().unwrap();
    let target = "/upload/storage/v1/b/certs/o?uploadType=media&name=a";
    let none = ["authorization: "];
    assert_eq!(send(&server, "POST", target, &none, "1").status, 401);
    let basic = ["authorization: Basic dXNlcjpwYXNz"];
    assert_eq!(send(&server, "POST", target, &basic, "1").status, 401);
    assert_eq!(put(&server, "a", "", "1"), 200);
    assert!(server.add_service_account("a@b", "no key").is_err());
}
