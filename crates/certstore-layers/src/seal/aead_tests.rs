use bytes::Bytes;
use certstore_core::ErrorKind;
use zeroize::Zeroizing;

use super::super::keyset::{Entry, Keyset, Material};
use super::super::{Algorithm, KeyStatus, OutputPrefix};
use super::Content;

const ALL: [(Algorithm, OutputPrefix); 6] = [
    (Algorithm::Aes128Gcm, OutputPrefix::Tink),
    (Algorithm::Aes256Gcm, OutputPrefix::Tink),
    (Algorithm::ChaCha20Poly1305, OutputPrefix::Tink),
    (Algorithm::Aes128Gcm, OutputPrefix::Raw),
    (Algorithm::Aes256Gcm, OutputPrefix::Raw),
    (Algorithm::ChaCha20Poly1305, OutputPrefix::Raw),
];

/// A keyset of one key that is given.
fn of(algorithm: Algorithm, prefix: OutputPrefix, id: u32, key: &[u8]) -> Keyset {
    let material = Some(Material::new(algorithm, Zeroizing::new(key.to_vec())).unwrap());
    Keyset { primary: id, keys: vec![Entry { id, prefix, status: KeyStatus::Enabled, material }] }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).unwrap()).unwrap();
    digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

#[test]
fn every_algorithm_and_prefix_seals_and_opens() {
    for (algorithm, prefix) in ALL {
        let keyset = Keyset::create(algorithm, prefix).unwrap();
        for length in [0, 1, 15, 16, 17, 1_000, 70_000] {
            let value: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let sealed = keyset.seal(&value, b"a/key").unwrap();
            assert_eq!(sealed.len(), value.len() + prefix.overhead());
            let shared = sealed.clone();
            assert_eq!(keyset.open(shared, b"a/key").unwrap(), value, "shared");
            assert_eq!(keyset.open(sealed, b"a/key").unwrap(), value, "in place");
        }
    }
}

#[test]
fn equal_values_are_never_sealed_alike() {
    let keyset = Keyset::create(Algorithm::Aes256Gcm, OutputPrefix::Raw).unwrap();
    let sealed: std::collections::HashSet<Bytes> =
        (0..1_000).map(|_| keyset.seal(b"same", b"k").unwrap()).collect();
    assert_eq!(sealed.len(), 1_000);
}

#[test]
fn whatever_is_cut_changed_or_moved_does_not_open() {
    for (algorithm, prefix) in ALL {
        let keyset = Keyset::create(algorithm, prefix).unwrap();
        let sealed = keyset.seal(b"a private key", b"a/key").unwrap();
        let refused = |stored: Vec<u8>, data: &[u8], what: String| {
            let error = keyset.open(stored.into(), data).expect_err(&what);
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}");
            assert!(!error.to_string().contains("private"), "{what}: {error}");
        };
        for length in 0..sealed.len() {
            refused(sealed[..length].to_vec(), b"a/key", format!("cut to {length}"));
        }
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut flipped = sealed.to_vec();
                flipped[at] ^= 1 << bit;
                refused(flipped, b"a/key", format!("bit {bit} of byte {at}"));
            }
        }
        refused([&sealed[..], b"\0"].concat(), b"a/key", "longer".into());
        for data in [&b"b/key"[..], b"", b"a/key ", b"a/ke"] {
            refused(sealed.to_vec(), data, "moved".into());
        }
        let other = Keyset::create(algorithm, prefix).unwrap();
        assert_eq!(other.open(sealed, b"a/key").unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

/// RFC 8439, section 2.8.2, as the wire format without prefix has it: nonce, ciphertext, tag.
const RFC_8439: &str = "070000004041424344454647
    d31a8d34648e60db7b86afbc53ef7ec2 a4aded51296e08fea9e2b5a736ee62d6
    3dbea45e8ca9671282fafb69da92728b 1a71de0a9e060b2905d6a5b67ecd3b36
    92ddbd7f2d778b8c9803aee328091b58 fab324e4fad675945585808b4831d7bc
    3ff4def08e4b7a9de576d26586cec64b 6116 1ae10b594f09e26a7e902ecbd0600691";
const RFC_8439_TEXT: &[u8] = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";

#[test]
fn the_vector_of_rfc_8439_opens() {
    let key: Vec<u8> = (0x80..=0x9f).collect();
    let keyset = of(Algorithm::ChaCha20Poly1305, OutputPrefix::Raw, 7, &key);
    let aad = hex("50515253c0c1c2c3c4c5c6c7");
    assert_eq!(keyset.open(hex(RFC_8439).into(), &aad).unwrap(), RFC_8439_TEXT);
}

#[test]
fn a_value_under_a_prefixed_chacha_key_has_this_form() {
    let key: Vec<u8> = (0x80..=0x9f).collect();
    let keyset = of(Algorithm::ChaCha20Poly1305, OutputPrefix::Tink, 0x0102_0304, &key);
    let aad = hex("50515253c0c1c2c3c4c5c6c7");
    let wire = [&hex("0101020304")[..], &hex(RFC_8439)].concat();
    assert_eq!(keyset.open(wire.clone().into(), &aad).unwrap(), RFC_8439_TEXT);
    let sealed = keyset.seal(RFC_8439_TEXT, &aad).unwrap();
    assert_eq!((sealed.len(), &sealed[..5]), (wire.len(), &wire[..5]));
}

/// Test case 4 of "The Galois/Counter Mode of Operation" (McGrew and Viega), AES-128.
#[test]
fn a_known_vector_of_aes_gcm_opens() {
    let keyset =
        of(Algorithm::Aes128Gcm, OutputPrefix::Raw, 7, &hex("feffe9928665731c6d6a8f9467308308"));
    let wire = hex(
        "cafebabefacedbaddecaf888 42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e
         21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091 5bc94fbc3221a5db94fae95ae7121a47",
    );
    let text = hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
         1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    let aad = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    assert_eq!(keyset.open(wire.into(), &aad).unwrap(), text);
}

#[test]
fn keys_without_prefix_are_tried_after_the_one_that_is_named() {
    let mut keyset = Keyset::create(Algorithm::Aes256Gcm, OutputPrefix::Raw).unwrap();
    let first = keyset.seal(b"first", b"k").unwrap();
    keyset.rotate(Algorithm::Aes128Gcm, OutputPrefix::Raw).unwrap();
    let second = keyset.seal(b"second", b"k").unwrap();
    keyset.rotate(Algorithm::Aes256Gcm, OutputPrefix::Tink).unwrap();
    let third = keyset.seal(b"third", b"k").unwrap();
    for (sealed, value) in [(first, &b"first"[..]), (second, b"second"), (third, b"third")] {
        assert_eq!(keyset.open(sealed, b"k").unwrap(), value);
    }
    // A value without prefix that happens to start as if it named the key.
    let id = keyset.primary_id();
    let raw = of(Algorithm::Aes128Gcm, OutputPrefix::Raw, 9, &[7; 16]);
    let mut both = keyset.clone();
    both.keys.extend(raw.keys.clone());
    let mut start = vec![1];
    start.extend_from_slice(&id.to_be_bytes());
    let mut nonce = [0; 12];
    nonce[..5].copy_from_slice(&start);
    let cipher = &raw.keys[0].material.as_ref().unwrap().cipher;
    let mut body = b"of the other".to_vec();
    let tag = cipher
        .seal_in_place_separate_tag(
            ring::aead::Nonce::assume_unique_for_key(nonce),
            ring::aead::Aad::from(b"k"),
            &mut body,
        )
        .unwrap();
    let wire = [&nonce[..], &body, tag.as_ref()].concat();
    assert_eq!(both.open(wire.into(), b"k").unwrap(), &b"of the other"[..]);
}

#[test]
fn an_unknown_key_is_named() {
    let sealed = Keyset::create(Algorithm::Aes256Gcm, OutputPrefix::Tink).unwrap();
    let id = sealed.primary_id();
    let value = sealed.seal(b"v", b"k").unwrap();
    let other = Keyset::create(Algorithm::Aes256Gcm, OutputPrefix::Tink).unwrap();
    let error = other.open(value, b"k").unwrap_err();
    assert!(error.message().contains(&format!("key {id}")), "{error}");
    assert!(error.message().contains("does not have"), "{error}");
}

#[test]
fn what_names_a_key_is_sealed_and_what_does_not_open_else_is_plain() {
    let keyset = Keyset::create(Algorithm::Aes256Gcm, OutputPrefix::Tink).unwrap();
    let sealed = keyset.seal(b"value", b"k").unwrap();
    let classified = keyset.classify(sealed.clone(), b"k").unwrap();
    assert!(
        matches!(classified, Content::Sealed(opened) if opened.value == b"value"[..] && opened.key == keyset.primary_id())
    );
    for plain in [
        &b"-----BEGIN CERTIFICATE-----\n and some more bytes than a tag"[..],
        b"",
        b"{}",
        b"\x01short",
    ] {
        let classified = keyset.classify(Bytes::from_static(plain), b"k").unwrap();
        assert!(matches!(classified, Content::Plain(value) if value == plain));
    }
    let mut damaged = sealed.to_vec();
    damaged[20] ^= 1;
    assert_eq!(keyset.classify(damaged.into(), b"k").unwrap_err().kind(), ErrorKind::Corrupt);
    let other = Keyset::create(Algorithm::Aes256Gcm, OutputPrefix::Tink).unwrap();
    assert_eq!(other.classify(sealed, b"k").unwrap_err().kind(), ErrorKind::Corrupt);
}
