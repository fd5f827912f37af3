//! What cannot be read, or is not offered.

use certstore_core::ErrorKind;

use super::support::{SECRET, cli, config, key, open, prefix, try_open, with_key};

const PLAIN: &str = include_str!("../../src/caddy/fixtures/plain.json");
const ENCRYPTED: &str = include_str!("../../src/caddy/fixtures/zlib-encrypted.json");

#[tokio::test]
async fn another_key_is_told_with_the_name_and_without_the_text() {
    let prefix = prefix();
    cli(&["SET", &format!("{prefix}/a/b"), ENCRYPTED]);
    let wrong = open(&with_key(config(&prefix), "another key of thirty-two bytes!")).await;
    let error = wrong.load(&key("a/b")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(
        error.to_string(),
        "redis: cannot load \"a/b\": the value does not decrypt with encryption_key: it was written with another \
         key, or is damaged"
    );
    let shown = format!("{error:?}");
    assert!(!shown.contains("another key of thirty") && !shown.contains("BEGIN"), "{shown}");
    let without = open(&config(&prefix)).await.load(&key("a/b")).await.unwrap_err();
    assert_eq!(without.kind(), ErrorKind::Corrupt);
    assert!(without.to_string().contains("set encryption_key"), "{without}");
}

#[tokio::test]
async fn a_value_without_the_flag_is_read_under_a_key_too() {
    let prefix = prefix();
    cli(&["SET", &format!("{prefix}/a/b"), PLAIN]);
    let storage = open(&with_key(config(&prefix), SECRET)).await;
    assert!(storage.load(&key("a/b")).await.unwrap().starts_with(b"-----BEGIN"));
    // What is stored from now on is encrypted.
    storage.store(&key("a/b"), b"private").await.unwrap();
    let stored = cli(&["GET", &format!("{prefix}/a/b")]);
    assert!(stored.ends_with(r#""encryption":1}"#), "{stored}");
    assert!(!stored.contains("cHJpdmF0Z"), "{stored}");
}

#[tokio::test]
async fn damage_is_corrupt_wherever_it_is_seen() {
    let prefix = prefix();
    let at = format!("{prefix}/a/b");
    let storage = open(&config(&prefix)).await;
    for damaged in ["", "no json", &PLAIN[..80], "[]", r#"{"value":"@","modified":1}"#] {
        cli(&["SET", &at, damaged]);
        assert_eq!(storage.load(&key("a/b")).await.unwrap_err().kind(), ErrorKind::Corrupt);
        let error = storage.stat(&key("a/b")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{damaged}");
        assert!(error.to_string().contains("\"a/b\""), "{error}");
    }
    cli(&["DEL", &at]);
    cli(&["HSET", &at, "field", "value"]);
    assert_eq!(storage.stat(&key("a/b")).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(storage.store(&key("a/b"), b"").await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(storage.delete(&key("a/b")).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_at_open() {
    let short = with_key(config(&prefix()), "short");
    let error = try_open(&short).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("at least 32"), "{error}");
    for bad in ["/", "a//b", "a/../b"] {
        let error = try_open(&config(bad)).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{bad}: {error}");
    }
}
