use certstore_core::{ErrorKind, Secret};

use super::Cipher;

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// `hi` under that key with the nonce 00 01 .. 0b, made by another implementation of AES-GCM.
const SEALED: &[u8] = b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x45\x8c\x46\xe3\x8f\x18\xb4\x32\x57\x0e\x00\x10\x1c\xbf\x66\xe0\xfc\x46";

fn cipher(key: &str) -> Cipher {
    Cipher::new(&Secret::new(key)).unwrap()
}

#[test]
fn opens_what_another_implementation_sealed() {
    assert_eq!(cipher(KEY).open(SEALED.to_vec()).unwrap(), b"hi");
}

#[test]
fn only_the_first_32_bytes_are_the_key() {
    assert_eq!(cipher(&format!("{KEY} and more")).open(SEALED.to_vec()).unwrap(), b"hi");
    let error = Cipher::new(&Secret::new(&KEY[1..])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert_eq!(
        error.to_string(),
        "encryption_key has 31 bytes; it needs at least 32, and the first 32 of them are the key"
    );
}

#[test]
fn nonces_differ_and_lengths_are_the_documented_ones() {
    let cipher = cipher(KEY);
    let (one, other) = (cipher.seal(b"hi").unwrap(), cipher.seal(b"hi").unwrap());
    assert_ne!(one[..12], other[..12]);
    assert_eq!(one.len(), 12 + 2 + 16);
    assert_eq!(cipher.open(one).unwrap(), b"hi");
    assert_eq!(cipher.open(cipher.seal(b"").unwrap()).unwrap(), b"");
}

#[test]
fn another_key_and_every_damage_are_corrupt() {
    let other = cipher("another key of thirty-two bytes!").open(SEALED.to_vec()).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Corrupt);
    for at in 0..SEALED.len() {
        let mut damaged = SEALED.to_vec();
        damaged[at] ^= 1;
        assert_eq!(cipher(KEY).open(damaged).unwrap_err().kind(), ErrorKind::Corrupt, "byte {at}");
        let cut = SEALED[..at].to_vec();
        assert_eq!(cipher(KEY).open(cut).unwrap_err().kind(), ErrorKind::Corrupt, "cut at {at}");
    }
}

#[test]
fn debug_shows_no_key() {
    assert_eq!(format!("{:?}", cipher(KEY)), "Cipher(..)");
}
