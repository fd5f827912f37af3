use certstore_core::ErrorKind;

use super::super::{Algorithm, KeyStatus, Keyset, OutputPrefix};

/// What certmagic-gcs' README proposes, with another key: AES-128-GCM without prefix.
const RAW: &str = r#"{"primaryKeyId":1818673287,"key":[{"keyData":{"typeUrl":"type.googleapis.com/google.crypto.tink.AesGcmKey","value":"GhAAAQIDBAUGBwgJCgsMDQ4P","keyMaterialType":"SYMMETRIC"},"status":"ENABLED","keyId":1818673287,"outputPrefixType":"RAW"}]}"#;

/// What the key of `RAW` must not be found in.
const KEY_TEXT: &str = "GhAAAQIDBAUGBwgJCgsMDQ4P";

fn refused(json: &str) -> String {
    let error = Keyset::from_json(json.as_bytes()).expect_err(json);
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
    let text = format!("{error} {error:?}");
    assert!(!text.contains(&KEY_TEXT[2..10]) && !text.contains('\n'), "{text}");
    error.message().to_owned()
}

#[test]
fn a_keyset_of_tink_is_read_with_its_key() {
    let keyset = Keyset::from_json(RAW.as_bytes()).unwrap();
    let key = keyset.keys().next().unwrap();
    assert_eq!((key.id, key.algorithm), (1_818_673_287, Some(Algorithm::Aes128Gcm)));
    assert_eq!((key.prefix, key.status), (OutputPrefix::Raw, KeyStatus::Enabled));
    let material = keyset.keys[0].material.as_ref().unwrap();
    assert_eq!(material.bytes.as_slice(), (0..16).collect::<Vec<u8>>());
}

#[test]
fn names_of_fields_may_be_those_of_the_message_and_padding_may_lack() {
    let json = RAW
        .replace("primaryKeyId", "primary_key_id")
        .replace("keyData", "key_data")
        .replace("typeUrl", "type_url")
        .replace("keyMaterialType", "key_material_type")
        .replace("keyId", "key_id")
        .replace("outputPrefixType", "output_prefix_type");
    assert!(Keyset::from_json(json.as_bytes()).is_ok());
    let long = RAW.replace(KEY_TEXT, "GiAAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw");
    let key = Keyset::from_json(long.as_bytes()).unwrap().keys().next().unwrap();
    assert_eq!(key.algorithm, Some(Algorithm::Aes256Gcm));
}

#[test]
fn a_keyset_is_written_as_it_is_read() {
    let mut keyset = Keyset::create(Algorithm::Aes128Gcm, OutputPrefix::Tink).unwrap();
    let first = keyset.primary_id();
    let second = keyset.add(Algorithm::ChaCha20Poly1305, OutputPrefix::Raw).unwrap();
    let third = keyset.rotate(Algorithm::Aes256Gcm, OutputPrefix::Tink).unwrap();
    keyset.destroy(first).unwrap();
    keyset.disable(second).unwrap();
    let written = keyset.to_json();
    let read = Keyset::from_json(written.expose().as_bytes()).unwrap();
    assert_eq!(read.keys().collect::<Vec<_>>(), keyset.keys().collect::<Vec<_>>());
    assert_eq!(read.primary_id(), third);
    assert_eq!(read.to_json().expose(), written.expose());
    let sealed = keyset.seal(b"value", b"k").unwrap();
    assert_eq!(read.open(sealed, b"k").unwrap(), &b"value"[..]);
}

#[test]
fn writing_never_outgrows_its_buffer() {
    let mut keyset = Keyset::create(Algorithm::ChaCha20Poly1305, OutputPrefix::Tink).unwrap();
    for _ in 0..40 {
        keyset.rotate(Algorithm::ChaCha20Poly1305, OutputPrefix::Tink).unwrap();
    }
    assert!(keyset.to_json().expose().len() < 64 + super::KEY_SPACE * 41);
}

#[test]
fn what_is_wrong_is_named() {
    let swap = |from: &str, to: &str| refused(&RAW.replace(from, to));
    for (json, word) in [
        (refused(""), "cut"),
        (refused("{"), "cut"),
        (refused("keyset"), "no JSON"),
        (refused("{}"), "no key"),
        (refused(r#"{"encryptedKeyset":"AAAA","keysetInfo":{}}"#), "encrypted"),
        (swap(r#""primaryKeyId":1818673287,"#, ""), "primaryKeyId is missing"),
        (swap(r#""primaryKeyId":1818673287"#, r#""primaryKeyId":0"#), "primaryKeyId is missing"),
        (swap(r#""primaryKeyId":1818673287"#, r#""primaryKeyId":5"#), "names key 5"),
        (swap(r#","keyId":1818673287"#, ""), "the 1. key: keyId is missing"),
        (swap("ENABLED", "DISABLED"), "is DISABLED"),
        (swap("ENABLED", "DESTROYED"), "is DESTROYED"),
        (swap("ENABLED", "enabled"), "key 1818673287: status"),
        (swap("\"RAW\"", "\"LEGACY\""), "LEGACY"),
        (swap("\"RAW\"", "\"raw\""), "outputPrefixType"),
        (swap("AesGcmKey", "AesEaxKey"), "typeUrl"),
        (swap("type.googleapis.com/", ""), "typeUrl"),
        (swap("SYMMETRIC", "REMOTE"), "keyMaterialType"),
        (swap(KEY_TEXT, "GhAAAQIDBAUGBwgJCgsMDQ4"), "cut"),
        (swap(KEY_TEXT, "GhAAAQIDBAUGBwgJCgsMDQ4P!"), "base64"),
        (swap(KEY_TEXT, "Gg8AAQIDBAUGBwgJCgsMDQ4="), "length"),
        (swap(KEY_TEXT, "CAEaEAABAgMEBQYHCAkKCwwNDg8="), "version"),
        (swap(KEY_TEXT, "EhAAAQIDBAUGBwgJCgsMDQ4P"), "field"),
        (swap(KEY_TEXT, ""), "no key in it"),
        (swap(r#""keyId""#, r#""keyIdentifier""#), "line 1"),
        (swap(r#""status":"ENABLED""#, r#""status":"ENABLED","status":"ENABLED""#), "twice"),
        (swap(r#""keyId":1818673287"#, r#""keyId":"GhAAAQIDBAUGBwgJCgsMDQ4P""#), "wrong type"),
        (swap(r#""value":"GhAAAQIDBAUGBwgJCgsMDQ4P""#, r#""value":17"#), "wrong type"),
        (swap(r#""keyId":1818673287"#, r#""keyId":4294967296"#), "line 1"),
    ] {
        assert!(json.contains(word), "{json:?} does not say {word:?}");
    }
    let key = &RAW[RAW.find("[").unwrap() + 1..RAW.len() - 2];
    let twice = RAW.replace(key, &format!("{key},{key}"));
    assert!(refused(&twice).contains("stands twice"));
    assert!(refused(&format!("{RAW} x")).contains("no JSON"));
}

#[test]
fn a_key_of_chacha_has_its_own_message() {
    let keyset = Keyset::create(Algorithm::ChaCha20Poly1305, OutputPrefix::Tink).unwrap();
    let json = keyset.to_json();
    assert!(json.expose().contains("type.googleapis.com/google.crypto.tink.ChaCha20Poly1305Key"));
    // Field 2 of 32 bytes; the key begins within the third digit.
    assert!(json.expose().contains("\"value\": \"Ei"), "another field");
    assert!(Keyset::from_json(json.expose().as_bytes()).is_ok());
}
