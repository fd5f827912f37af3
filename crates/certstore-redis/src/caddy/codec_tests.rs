use std::time::{Duration, UNIX_EPOCH};

use certstore_core::{ErrorKind, Secret};

use super::super::compression::Method;
use super::super::envelope::Envelope;
use super::Codec;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const PEM: &[u8] = include_bytes!("fixtures/value.pem");

/// Made with zlib and an independent AES-GCM, in the JSON of Go.
const PLAIN: [(Method, &str); 3] = [
    (Method::None, include_str!("fixtures/plain.json")),
    (Method::Flate, include_str!("fixtures/flate.json")),
    (Method::Zlib, include_str!("fixtures/zlib.json")),
];
const ENCRYPTED: [(Method, &str); 3] = [
    (Method::None, include_str!("fixtures/plain-encrypted.json")),
    (Method::Flate, include_str!("fixtures/flate-encrypted.json")),
    (Method::Zlib, include_str!("fixtures/zlib-encrypted.json")),
];

fn codec(method: Method, key: Option<&str>) -> Codec {
    Codec::new(method, key.map(Secret::new).as_ref()).unwrap()
}

#[test]
fn the_flags_of_a_value_say_how_it_is_read() {
    for method in [Method::None, Method::Flate, Method::Zlib] {
        let codec = codec(method, Some(KEY));
        for (_, stored) in PLAIN.iter().chain(&ENCRYPTED) {
            assert_eq!(codec.decode(stored.as_bytes()).unwrap(), PEM, "{stored}");
        }
    }
    for (_, stored) in PLAIN {
        assert_eq!(codec(Method::None, None).decode(stored.as_bytes()).unwrap(), PEM);
    }
}

#[test]
fn an_encrypted_value_needs_its_key() {
    for (_, stored) in ENCRYPTED {
        let without = codec(Method::None, None).decode(stored.as_bytes()).unwrap_err();
        assert_eq!(without.kind(), ErrorKind::Corrupt);
        assert!(without.to_string().contains("set encryption_key"), "{without}");
        let wrong = codec(Method::None, Some("another key of thirty-two bytes!"));
        assert_eq!(wrong.decode(stored.as_bytes()).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[test]
fn every_field_is_written_as_documented() {
    let modified = UNIX_EPOCH + Duration::new(1_767_323_045, 120_000_000);
    let written = codec(Method::None, None).encode(PEM, modified).unwrap();
    assert_eq!(written, PLAIN[0].1);
    for (method, stored) in PLAIN.into_iter().chain(ENCRYPTED) {
        let expected = Envelope::decode(stored.as_bytes()).unwrap();
        let codec = codec(method, (expected.encryption == 1).then_some(KEY));
        let written = codec.encode(PEM, modified).unwrap();
        assert_eq!(codec.decode(written.as_bytes()).unwrap(), PEM);
        let written = Envelope::decode(written.as_bytes()).unwrap();
        assert_eq!(written.modified, expected.modified);
        assert_eq!(written.size, expected.size);
        assert_eq!(written.compression, method.flag());
        assert_eq!(written.encryption, expected.encryption);
    }
}

#[test]
fn a_value_that_does_not_get_smaller_has_no_compression_flag() {
    let written = codec(Method::Zlib, None).encode(b"hi<>", UNIX_EPOCH).unwrap();
    assert!(written.contains(r#""value":"aGk8Pg==""#) && written.contains(r#""compression":0"#));
}

#[test]
fn unknown_flags_are_corrupt() {
    let codec = codec(Method::None, Some(KEY));
    for (flag, unknown) in
        [("compression\":0", "compression\":3"), ("encryption\":0", "encryption\":2")]
    {
        let stored = PLAIN[0].1.replace(flag, unknown);
        assert_eq!(codec.decode(stored.as_bytes()).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

/// Never a panic, never another value in place of an encrypted one, never a part of a value in an error.
#[test]
fn fuzz_no_damaged_value_is_another() {
    let all: Vec<&str> = PLAIN.iter().chain(&ENCRYPTED).map(|(_, stored)| *stored).collect();
    let codec = codec(Method::None, Some(KEY));
    let mut refused = 0;
    certstore_conformance::fuzz::rounds("Caddy's envelopes", 4, 20_000, |numbers, index| {
        let damaged = numbers.mutate(all[index % all.len()].as_bytes());
        match codec.decode(&damaged) {
            Ok(value) => {
                // What is not encrypted has nothing in it that tells damage, nor has the envelope: the plugin's format.
                let envelope = Envelope::decode(&damaged).unwrap();
                let told = envelope.encryption != 0 && envelope.size != 0;
                assert!(!told || value == PEM, "{}", String::from_utf8_lossy(&damaged));
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
                assert!(!error.to_string().contains("BEGIN"), "{error}");
                refused += 1;
            }
        }
    });
    assert!(refused > 10_000, "{refused}");
}
