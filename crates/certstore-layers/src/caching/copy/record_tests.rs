use super::*;

fn record(set: Option<u128>, version: Option<&str>, value: &'static [u8]) -> Record {
    Record {
        confirmed: 1_800_000_000,
        set,
        version: version.map(Version::new),
        value: Bytes::from_static(value),
    }
}

#[test]
fn a_record_comes_back_as_it_was() {
    for record in [
        record(None, None, b""),
        record(None, Some(""), b"value"),
        record(Some(0), Some("\"etag\""), b"\x00\xff"),
        record(Some(u128::MAX), None, b"value"),
    ] {
        let bytes = record.encode().unwrap();
        assert_eq!(Record::decode(Bytes::copy_from_slice(&bytes)), Some(record));
    }
}

#[test]
fn the_buffer_never_grew() {
    let bytes = record(Some(7), Some("version"), b"value").encode().unwrap();
    assert_eq!(bytes.capacity(), bytes.len());
}

#[test]
fn what_is_cut_or_of_others_is_no_record() {
    let bytes = record(Some(7), Some("version"), b"").encode().unwrap();
    for cut in 0..bytes.len() {
        assert_eq!(Record::decode(Bytes::copy_from_slice(&bytes[..cut])), None, "{cut}");
    }
    assert_eq!(Record::decode(Bytes::from_static(b"-----BEGIN CERTIFICATE-----")), None);
}

#[test]
fn a_version_that_is_too_long_is_not_written() {
    let long = "x".repeat(usize::from(u16::MAX));
    assert!(record(None, Some(&long), b"").encode().is_none());
    assert!(record(None, Some(&long[1..]), b"").encode().is_some());
}
