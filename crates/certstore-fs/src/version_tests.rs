use super::*;

fn record(stamp: Option<Stamp>) -> Record {
    Record { nonce: u64::MAX - 1, digest: 3, size: 1 << 40, modified: -5, stamp }
}

#[test]
fn a_record_survives_its_encoding_and_fits_the_inode() {
    for stamp in [None, Some(Stamp { lock: [7; 16], token: u64::MAX })] {
        let record = record(stamp);
        let bytes = record.encode();
        assert!(bytes.len() <= 60, "{} bytes", bytes.len());
        assert_eq!(Record::decode(&bytes), Some(record));
    }
}

#[test]
fn what_is_no_record_is_none() {
    let good = record(None).encode();
    let mut newer = good.clone();
    newer[0] = FORMAT + 1;
    for bytes in [&[][..], &good[..32], &newer, &[0; 57], &[1; 58]] {
        assert_eq!(Record::decode(bytes), None, "{} bytes", bytes.len());
    }
}

#[test]
fn versions_of_content_differ_with_it_and_never_look_like_a_nonce() {
    let (one, two) = (content_version(b"1"), content_version(b"2"));
    assert_ne!(one, two);
    assert_eq!(one, content_version(b"1"));
    assert_eq!(one.as_str(), "c-6b86b273ff34fce19d6b804eff5a3f57");
    assert_eq!(record(None).version().as_str(), "fffffffffffffffe");
}
