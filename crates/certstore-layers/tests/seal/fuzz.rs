//! Damaged and made-up input: never a panic, never a value, never a key in an error.

use bytes::Bytes;
use certstore_core::ErrorKind;
use certstore_layers::seal::{Algorithm, Keyset, OutputPrefix};

use super::support::Numbers;

const INPUTS: usize = 40_000;

/// One to four changes: bytes set, removed, repeated, or parts moved.
fn mutate(input: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut output = input.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(output.len());
        match numbers.below(6) {
            _ if output.is_empty() => output.push(numbers.next() as u8),
            0 => output[at] = numbers.next() as u8,
            1 => output[at] ^= 1 << numbers.below(8),
            2 => drop(output.remove(at)),
            3 => output.truncate(at),
            4 => {
                let end = at + numbers.below(output.len() - at);
                let part = output[at..end].to_vec();
                let to = numbers.below(output.len());
                output.splice(to..to, part);
            }
            _ => output.insert(at, b"\"{}[]:,\\0eE-.\x01\xff"[numbers.below(15)]),
        }
    }
    output
}

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
    let mut numbers = Numbers(1);
    let (mut parsed, mut refused) = (0, 0);
    for _ in 0..INPUTS {
        let input = mutate(json.expose().as_bytes(), &mut numbers);
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
    }
    assert!(parsed > 100 && refused > INPUTS / 2, "{parsed} parsed, {refused} refused");
}

#[test]
fn no_damaged_value_opens() {
    let mut keyset = Keyset::create(Algorithm::Aes128Gcm, OutputPrefix::Raw).unwrap();
    let mut sealed = vec![keyset.seal(b"-----BEGIN PRIVATE KEY-----", b"a").unwrap()];
    for algorithm in [Algorithm::ChaCha20Poly1305, Algorithm::Aes256Gcm] {
        keyset.rotate(algorithm, OutputPrefix::Tink).unwrap();
        sealed.push(keyset.seal(b"-----BEGIN PRIVATE KEY-----", b"a").unwrap());
    }
    let mut numbers = Numbers(2);
    let mut unchanged = 0;
    for index in 0..INPUTS {
        let whole = &sealed[index % sealed.len()];
        let input = mutate(whole, &mut numbers);
        if input == *whole {
            unchanged += 1;
            continue;
        }
        // In a buffer of its own, and in one that is shared.
        let input = Bytes::from(input);
        let shared = input.clone();
        for input in [shared, input] {
            let error = keyset.open(input, b"a").expect_err("a damaged value opened");
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            assert!(!error.to_string().contains("BEGIN"));
        }
    }
    assert!(unchanged < INPUTS / 10, "{unchanged} were not damaged at all");
}

#[test]
fn no_noise_opens() {
    let mut keyset = Keyset::create(Algorithm::Aes256Gcm, OutputPrefix::Tink).unwrap();
    keyset.add(Algorithm::ChaCha20Poly1305, OutputPrefix::Raw).unwrap();
    let prefix = [&[1][..], &keyset.primary_id().to_be_bytes()].concat();
    let mut numbers = Numbers(3);
    for index in 0..INPUTS {
        let length = numbers.below(80);
        let mut noise: Vec<u8> = (0..length).map(|_| numbers.next() as u8).collect();
        if index % 2 == 0 {
            noise.splice(0..0, prefix.iter().copied());
        }
        let refused = keyset.open(noise.into(), b"a").expect_err("noise opened");
        assert_eq!(refused.kind(), ErrorKind::Corrupt);
        drop(Keyset::from_json(&prefix).expect_err("noise is no keyset"));
    }
}
