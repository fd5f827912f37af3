use certstore_core::ErrorKind;

use super::super::{Algorithm, KeyStatus, Keyset, OutputPrefix};

fn keyset() -> Keyset {
    Keyset::create(Algorithm::Aes256Gcm, OutputPrefix::Tink).unwrap()
}

#[test]
fn a_new_keyset_has_one_key_which_is_its_primary() {
    let keyset = keyset();
    let keys: Vec<_> = keyset.keys().collect();
    assert_eq!(keys.len(), 1);
    assert!(keys[0].is_primary && keys[0].id == keyset.primary_id() && keys[0].id != 0);
    assert_eq!(keys[0].algorithm, Some(Algorithm::Aes256Gcm));
    assert_eq!((keys[0].prefix, keys[0].status), (OutputPrefix::Tink, KeyStatus::Enabled));
}

#[test]
fn a_rotated_keyset_seals_with_the_new_key_and_opens_with_both() {
    let mut keyset = keyset();
    let first = keyset.primary_id();
    let old = keyset.seal(b"old", b"k").unwrap();
    let second = keyset.rotate(Algorithm::ChaCha20Poly1305, OutputPrefix::Tink).unwrap();
    assert!(second != first && keyset.primary_id() == second);
    let new = keyset.seal(b"new", b"k").unwrap();
    assert_eq!(new[1..5], second.to_be_bytes());
    assert_eq!(keyset.open(old, b"k").unwrap(), &b"old"[..]);
    assert_eq!(keyset.open(new, b"k").unwrap(), &b"new"[..]);
}

#[test]
fn an_added_key_opens_and_seals_only_once_it_is_the_primary() {
    let mut keyset = keyset();
    let first = keyset.primary_id();
    let second = keyset.add(Algorithm::Aes128Gcm, OutputPrefix::Tink).unwrap();
    assert_eq!(keyset.seal(b"v", b"k").unwrap()[1..5], first.to_be_bytes());
    keyset.set_primary(second).unwrap();
    assert_eq!(keyset.seal(b"v", b"k").unwrap()[1..5], second.to_be_bytes());
}

#[test]
fn a_disabled_key_opens_nothing_until_it_is_enabled() {
    let mut keyset = keyset();
    let first = keyset.primary_id();
    let sealed = keyset.seal(b"v", b"k").unwrap();
    keyset.rotate(Algorithm::Aes256Gcm, OutputPrefix::Tink).unwrap();
    keyset.disable(first).unwrap();
    let refused = keyset.open(sealed.clone(), b"k").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt);
    assert!(refused.message().contains(&format!("key {first}")), "{refused}");
    assert!(refused.message().contains("DISABLED"), "{refused}");
    keyset.enable(first).unwrap();
    assert_eq!(keyset.open(sealed, b"k").unwrap(), &b"v"[..]);
}

#[test]
fn a_destroyed_key_is_gone_for_good_and_its_id_stays() {
    let mut keyset = keyset();
    let first = keyset.primary_id();
    let sealed = keyset.seal(b"v", b"k").unwrap();
    keyset.rotate(Algorithm::Aes256Gcm, OutputPrefix::Tink).unwrap();
    keyset.destroy(first).unwrap();
    assert!(keyset.open(sealed, b"k").unwrap_err().message().contains("DESTROYED"));
    for refused in [keyset.enable(first), keyset.disable(first), keyset.set_primary(first)] {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidConfig);
    }
    let key = keyset.keys().next().unwrap();
    assert_eq!((key.id, key.status, key.algorithm), (first, KeyStatus::Destroyed, None));
}

#[test]
fn the_primary_can_be_neither_disabled_nor_destroyed() {
    let mut keyset = keyset();
    let id = keyset.primary_id();
    for refused in [keyset.disable(id), keyset.destroy(id)] {
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidConfig);
        assert!(refused.message().contains("primary"), "{refused}");
    }
    assert!(keyset.seal(b"v", b"k").is_ok());
}

#[test]
fn a_disabled_key_cannot_become_the_primary_and_a_missing_one_is_named() {
    let mut keyset = keyset();
    let second = keyset.add(Algorithm::Aes256Gcm, OutputPrefix::Tink).unwrap();
    keyset.disable(second).unwrap();
    assert_eq!(keyset.set_primary(second).unwrap_err().kind(), ErrorKind::InvalidConfig);
    let missing = keyset.primary_id().wrapping_add(second) | 1;
    if keyset.keys().all(|key| key.id != missing) {
        assert!(keyset.destroy(missing).unwrap_err().message().contains(&missing.to_string()));
    }
}

#[test]
fn overhead_is_known_only_when_all_enabled_keys_add_the_same() {
    let mut keyset = keyset();
    assert_eq!(keyset.uniform_overhead(), Some(33));
    let raw = keyset.rotate(Algorithm::Aes128Gcm, OutputPrefix::Raw).unwrap();
    assert_eq!(keyset.uniform_overhead(), None);
    let tink = keyset.keys().next().unwrap().id;
    keyset.disable(tink).unwrap();
    assert_eq!((keyset.uniform_overhead(), keyset.primary_id()), (Some(28), raw));
}

#[test]
fn debug_shows_ids_and_states_and_no_key() {
    let keyset = keyset();
    let shown = format!("{keyset:?}");
    assert!(shown.contains(&keyset.primary_id().to_string()) && shown.contains("ENABLED"));
    let json = keyset.to_json();
    let value = json.expose().split("\"value\": \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(value.len() > 40 && !shown.contains(value));
    let bytes = &keyset.keys[0].material.as_ref().unwrap().bytes;
    assert!(!shown.contains(&format!("{:?}", &bytes[..4]).replace(['[', ']'], "")));
}
