use std::sync::Arc;

use certstore_core::{ErrorKind, MemoryStorage, Storage as _, StorageKeys};

use instant_acme::ChallengeType::{Http01, TlsAlpn01};

use super::StoredChallenges;
use crate::{Ca, ChallengeResponder as _, PresentedChallenge};

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

/// As CertMagic writes it for an IP address.
const ADDRESS_OF_CADDY: &str = r#"{"type":"tls-alpn-01","url":"https://ca.example/chalZ/2","status":"pending","token":"tok","keyAuthorization":"tok.thumb","identifier":{"type":"ip","value":"192.0.2.1"}}"#;

#[tokio::test]
async fn a_tls_alpn_challenge_of_caddy_is_answered_and_nothing_else() {
    let storage = Arc::new(MemoryStorage::new());
    let challenges = StoredChallenges::new(storage.clone(), &Ca::new("https://ca.example/dir"));
    let key = |name| StorageKeys::challenge_token("ca.example-dir", name).unwrap();
    let of_caddy = OF_CADDY.replace("http-01", "tls-alpn-01");
    storage.store(&key("a.example"), of_caddy.as_bytes()).await.unwrap();
    let reverse = "1.2.0.192.in-addr.arpa";
    storage.store(&key(reverse), ADDRESS_OF_CADDY.as_bytes()).await.unwrap();
    let answer = async |name| challenges.alpn_answer(name).await.unwrap();
    for (asked, identifier) in
        [("a.example", "a.example"), ("A.example", "a.example"), (reverse, "192.0.2.1")]
    {
        let answer = answer(asked).await.unwrap();
        assert_eq!(answer.identifier, identifier);
        // SHA-256 of "tok.thumb", by another program.
        assert_eq!(answer.key_authorization.as_str(), "tok.thumb");
        assert_eq!(answer.key_authorization.digest()[..4], [0xb1, 0x80, 0x30, 0x56]);
    }
    for name in ["b.example", "", "..", "a.exam/ple", "192.0.2.1"] {
        assert_eq!(answer(name).await, None, "{name}");
    }
    storage.store(&key("a.example"), OF_CADDY.as_bytes()).await.unwrap();
    assert_eq!(answer("a.example").await, None);
    storage.store(&key("a.example"), b"no challenge").await.unwrap();
    let damaged = challenges.alpn_answer("a.example").await.unwrap_err();
    assert_eq!(damaged.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn what_one_process_presents_another_answers_until_it_is_removed() {
    let (storage, ca) = (Arc::new(MemoryStorage::new()), Ca::new("https://ca.example/dir"));
    let [orders, listens] = [(); 2].map(|()| StoredChallenges::new(storage.clone(), &ca));
    for (name, asked) in [("a.example", "a.example"), ("2001:db8::1", "[2001:db8::1]:80")] {
        let challenge = PresentedChallenge::new(Http01, name, "tok", "tok.thumb");
        orders.present(&challenge).await.unwrap();
        let answer =
            async || listens.http_answer(asked, "/.well-known/acme-challenge/tok").await.unwrap();
        assert_eq!(answer().await.as_deref(), Some("tok.thumb"));
        orders.remove(&challenge).await.unwrap();
        assert_eq!(answer().await, None);
    }
    let reverse = crate::alpn_server_name("2001:db8::1");
    assert!(reverse.starts_with("1.0.0.0.") && reverse.ends_with(".8.b.d.0.1.0.0.2.ip6.arpa"));
    for (name, asked) in [("a.example", "a.example"), ("2001:db8::1", &reverse)] {
        let challenge = PresentedChallenge::new(TlsAlpn01, name, "tok", "tok.thumb");
        orders.present(&challenge).await.unwrap();
        let answer = listens.alpn_answer(asked).await.unwrap().unwrap();
        assert_eq!(
            (&*answer.identifier, answer.key_authorization),
            (name, challenge.key_authorization.clone())
        );
        orders.remove(&challenge).await.unwrap();
        assert_eq!(listens.alpn_answer(asked).await.unwrap(), None);
    }
    assert!(storage.list(&"acme".parse().unwrap(), true).await.is_err(), "nothing is left");
}

#[test]
fn which_kinds_are_offered_is_a_setting_and_a_wildcard_gets_none() {
    let storage = Arc::new(MemoryStorage::new());
    let both = || StoredChallenges::new(storage.clone(), &Ca::new("https://ca.example/dir"));
    let kinds = |challenges: StoredChallenges| challenges.kinds("a.example");
    assert_eq!(kinds(both()), [Http01, TlsAlpn01]);
    assert_eq!(kinds(both().prefer_tls_alpn_challenge()), [TlsAlpn01, Http01]);
    assert_eq!(kinds(both().disable_http_challenge()), [TlsAlpn01]);
    assert_eq!(kinds(both().disable_tls_alpn_challenge()), [Http01]);
    assert_eq!(kinds(both().disable_http_challenge().disable_tls_alpn_challenge()), []);
    assert_eq!(both().kinds("*.a.example"), []);
}
