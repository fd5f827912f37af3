//! Credentials, whole and in part.

use super::*;

#[test]
fn an_access_key_is_whole_or_not_there() {
    let secret = Secret::new("canary");
    let given = Some(&secret);
    for (id, key, token) in [(None, None, None), (given, given, None), (given, given, given)] {
        check_credentials(id, key, token).unwrap();
    }
    for (id, key, token, words) in [
        (given, None, None, "without secret_access_key"),
        (given, None, given, "without secret_access_key"),
        (None, given, None, "without access_key_id"),
        (None, None, given, "session_token is given without"),
    ] {
        let error = check_credentials(id, key, token).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn given_credentials_are_given_and_not_shown() {
    let given = Given::new(&Secret::new("id-canary"), &Secret::new("key-canary"), None);
    let credentials = given.provide_credentials().await.unwrap();
    assert_eq!(credentials.access_key_id(), "id-canary");
    assert_eq!(credentials.secret_access_key(), "key-canary");
    assert!(!format!("{given:?}").contains("canary"));
}
