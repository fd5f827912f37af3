//! Values sealed by libsodium: key `0123456789abcdef0123456789abcdef`, nonce 0, 1, 2 and so on to 23.

use super::*;

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// `-----BEGIN PRIVATE KEY-----` and a line feed.
const SEALED: &str = "000102030405060708090a0b0c0d0e0f10111213141516172229254f3bf076c570a1a9012cb29869e12043295d3314e76e48b471cd3aaf\
                      7640a32141548256887c37d94d";
const SEALED_X: &str =
    "000102030405060708090a0b0c0d0e0f101112131415161752139d76668639734470451390e7cacbb4";
const SEALED_EMPTY: &str =
    "000102030405060708090a0b0c0d0e0f10111213141516177902e92e0294690a23f70d2d228ba70f";

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn opened(key: &str, sealed: &[u8]) -> Result<Bytes> {
    Secretbox::new(&Secret::new(key)).unwrap().open(sealed)
}

#[test]
fn values_of_the_go_program_open() {
    assert_eq!(opened(KEY, &bytes(SEALED)).unwrap(), "-----BEGIN PRIVATE KEY-----\n");
    assert_eq!(opened(KEY, &bytes(SEALED_X)).unwrap(), "x");
    assert_eq!(opened(KEY, &bytes(SEALED_EMPTY)).unwrap(), "");
    assert_eq!(opened(KEY, b"").unwrap(), "");
    assert_eq!(bytes(SEALED_EMPTY).len() as u64, OVERHEAD);
}

#[test]
fn anything_else_is_damage() {
    let mut changed = bytes(SEALED);
    changed[50] ^= 1;
    let plain = b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA".to_vec();
    for sealed in [changed, plain, b"short".to_vec(), bytes(SEALED)[..39].to_vec()] {
        assert_eq!(opened(KEY, &sealed).unwrap_err().kind(), ErrorKind::Corrupt);
    }
    let other = opened("another key of exactly 32 bytes!", &bytes(SEALED)).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Corrupt);
}

#[test]
fn a_key_of_another_length_is_refused() {
    let error = Secretbox::new(&Secret::new("short")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
}

/// Never a panic, never another value.
#[test]
fn fuzz_no_damaged_value_opens() {
    let whole = [SEALED, SEALED_X, SEALED_EMPTY].map(bytes);
    let mut refused = 0;
    certstore_conformance::fuzz::rounds("secretboxes", 5, 20_000, |numbers, index| {
        let whole = &whole[index % whole.len()];
        let damaged = numbers.mutate(whole);
        if damaged.is_empty() || damaged == *whole {
            return;
        }
        assert_eq!(opened(KEY, &damaged).unwrap_err().kind(), ErrorKind::Corrupt);
        refused += 1;
    });
    assert!(refused > 10_000, "{refused}");
}
