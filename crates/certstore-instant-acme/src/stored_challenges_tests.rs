use std::sync::Arc;

use certstore_core::{ErrorKind, MemoryStorage, Storage as _, StorageKeys};

use super::StoredChallenges;
use crate::Ca;

/// As CertMagic writes it.
const OF_CADDY: &str = r#"{"type":"http-01","url":"https://ca.example/chalZ/1","status":"pending","token":"tok","keyAuthorization":"tok.thumb","identifier":{"type":"dns","value":"a.example"}}"#;

#[tokio::test]
async fn a_challenge_of_caddy_is_answered_and_nothing_else() {
    let storage = Arc::new(MemoryStorage::new());
    let challenges = StoredChallenges::new(storage.clone(), &Ca::new("https://ca.example/dir"));
    let key = StorageKeys::challenge_token("ca.example-dir", "a.example").unwrap();
    storage.store(&key, OF_CADDY.as_bytes()).await.unwrap();
    let path = "/.well-known/acme-challenge/tok";
    let answer = async |host, path| challenges.http_answer(host, path).await.unwrap();
    for host in ["a.example", "A.example:80"] {
        assert_eq!(answer(host, path).await.as_deref(), Some("tok.thumb"), "{host}");
    }
    for (host, path) in [
        ("a.example", "/.well-known/acme-challenge/other"),
        ("a.example", "/"),
        ("b.example", path),
        ("", path),
        ("..", path),
        // The same key, another name.
        ("a.exam/ple", path),
        ("[::1]:80", path),
    ] {
        assert_eq!(answer(host, path).await, None, "{host} {path}");
    }
    storage.store(&key, OF_CADDY.replace("http-01", "tls-alpn-01").as_bytes()).await.unwrap();
    assert_eq!(answer("a.example", path).await, None);
    storage.store(&key, b"no challenge").await.unwrap();
    let damaged = challenges.http_answer("a.example", path).await.unwrap_err();
    assert_eq!(damaged.kind(), ErrorKind::Corrupt);
}
