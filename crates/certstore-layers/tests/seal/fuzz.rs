//! Damaged and made-up input: never a panic, never a value, never a key in an error.

use bytes::Bytes;
use certstore_conformance::fuzz::rounds;
use certstore_core::ErrorKind;
use certstore_layers::seal::{Algorithm, Keyset, OutputPrefix};

const INPUTS: usize = 40_000;

#[test]
fn no_keyset_is_parsed_wrongly_and_none_is_shown() {
    let mut keyset = Keyset::create(Algorithm::Aes128Gcm, OutputPrefix::Raw).unwrap();
    keyset.rotate(Algorithm::ChaCha20Poly1305, OutputPrefix::Tink).unwrap();
    let old = keyset.rotate(Algorithm::Aes256Gcm, OutputPrefix::Tink).unwrap();
    keyset.rotate(Algorithm::Aes256Gcm, OutputPrefix::Tink).unwrap();
    keyset.disable(old).unwrap();
    let json = keyset.to_json();
    let keys: Vec<&str> =
        json.expose().split("\"value\": \"").skip(1).map(|rest| &rest[8..24]).collect();
    assert_eq!(keys.len(), 4);
    let (mut parsed, mut refused) = (0, 0);
    rounds("keysets", 1, INPUTS, |numbers, _| {
        let input = numbers.mutate(json.expose().as_bytes());
        match Keyset::from_json(&input) {
            Ok(keyset) => {
                // Whatever is accepted works, and is written as what it is.
                let sealed = keyset.seal(b"value", b"k").unwrap();
                assert_eq!(keyset.open(sealed, b"k").unwrap(), &b"value"[..]);
                let again = Keyset::from_json(keyset.to_json().expose().as_bytes()).unwrap();
                assert!(again.keys().eq(keyset.keys()));
                parsed += 1;
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidConfig);
                let text = format!("{error} {error:?}");
                assert!(
                    !text.contains('\n') && keys.iter().all(|key| !text.contains(key)),
                    "{text}"
                );
                refused += 1;
            }
        }
    });
    assert!(parsed > 100 && refused > parsed, "{parsed} parsed, {refused} refused");
}

#[test]
fn no_damaged_value_opens() {
    let mut keyset = Keyset::create(Algorithm::Aes128Gcm, OutputPrefix::Raw).unwrap();
    let mut sealed = vec![keyset.seal(b"-----BEGIN PRIVATE KEY-----", b"a").unwrap()];
    for algorithm in [Algorithm::ChaCha20Poly1305, Algorithm::Aes256Gcm] {
        keyset.rotate(algorithm, OutputPrefix::Tink).unwrap();
        sealed.push(keyset.seal(b"-----BEGIN PRIVATE KEY-----", b"a").unwrap());
    }
    let (mut unchanged, mut all) = (0, 0);
    rounds("damaged values", 2, INPUTS, |numbers, index| {
        all += 1;
        let whole = &sealed[index % sealed.len()];
        let input = numbers.mutate(whole);
        if input == *whole {
            unchanged += 1;
            return;
        }
        // In a buffer of its own, and in one that is shared.
        let input = Bytes::from(input);
        let shared = input.clone();
        for input in [shared, input] {
            let error = keyset.open(input, b"a").expect_err("a damaged value opened");
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            assert!(!error.to_string().contains("BEGIN"));
        }
    });
    assert!(unchanged < all / 10, "{unchanged} were not damaged at all");
}

#[test]
fn no_noise_opens() {
    let mut keyset = Keyset::create(Algorithm::Aes256Gcm, OutputPrefix::Tink).unwrap();
    keyset.add(Algorithm::ChaCha20Poly1305, OutputPrefix::Raw).unwrap();
    let prefix = [&[1][..], &keyset.primary_id().to_be_bytes()].concat();
    rounds("noise", 3, INPUTS, |numbers, index| {
        let length = numbers.below(80);
        let mut noise = numbers.bytes(length);
        if index % 2 == 0 {
            noise.splice(0..0, prefix.iter().copied());
        }
        let refused = keyset.open(noise.into(), b"a").expect_err("noise opened");
        assert_eq!(refused.kind(), ErrorKind::Corrupt);
        drop(Keyset::from_json(&prefix).expect_err("noise is no keyset"));
    });
}
