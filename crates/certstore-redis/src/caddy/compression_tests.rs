use certstore_core::ErrorKind;

use super::{MAX_DECOMPRESSED, Method};

/// Fifty times `a`, compressed by zlib's own program.
const FLATE: &[u8] = b"\x4b\x4c\x24\x15\x00\x00";
const ZLIB: &[u8] = b"\x78\x9c\x4b\x4c\x24\x15\x00\x00\xe3\x5c\x12\xf3";

#[test]
fn reads_what_zlib_wrote() {
    assert_eq!(Method::Flate.decompress(FLATE.to_vec()).unwrap(), [b'a'; 50]);
    assert_eq!(Method::Zlib.decompress(ZLIB.to_vec()).unwrap(), [b'a'; 50]);
    assert_eq!(Method::None.decompress(FLATE.to_vec()).unwrap(), FLATE);
}

#[test]
fn raw_deflate_has_no_header_and_zlib_has_one() {
    let flate = Method::Flate.compress(&[b'a'; 50]).unwrap();
    let zlib = Method::Zlib.compress(&[b'a'; 50]).unwrap();
    assert_eq!(zlib[..2], [0x78, 0x9c]);
    assert_eq!(zlib[2..zlib.len() - 4], flate);
    assert_eq!(Method::Flate.decompress(flate).unwrap(), [b'a'; 50]);
    assert_eq!(Method::Zlib.decompress(zlib).unwrap(), [b'a'; 50]);
}

#[test]
fn what_does_not_get_smaller_stays_as_it_is() {
    for method in [Method::None, Method::Flate, Method::Zlib] {
        assert_eq!(method.compress(b"short"), None, "{method:?}");
        assert_eq!(method.compress(b""), None, "{method:?}");
    }
    assert_eq!(Method::None.compress(&[b'a'; 50]), None);
}

#[test]
fn what_no_reader_would_decompress_stays_as_it_is() {
    assert!(Method::Zlib.compress(&vec![0; MAX_DECOMPRESSED]).is_some());
    assert_eq!(Method::Zlib.compress(&vec![0; MAX_DECOMPRESSED + 1]), None);
}

#[test]
fn a_bomb_is_refused() {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, &vec![0; MAX_DECOMPRESSED + 1]).unwrap();
    let error = Method::Zlib.decompress(encoder.finish().unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("4 MiB"), "{error}");
}

#[test]
fn damage_is_corrupt() {
    for (method, bytes) in [(Method::Flate, &FLATE[..3]), (Method::Zlib, &ZLIB[..8])] {
        assert_eq!(method.decompress(bytes.to_vec()).unwrap_err().kind(), ErrorKind::Corrupt);
    }
    let mut wrong_sum = ZLIB.to_vec();
    wrong_sum[11] ^= 1;
    assert_eq!(Method::Zlib.decompress(wrong_sum).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(Method::Zlib.decompress(FLATE.to_vec()).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn flags_are_those_of_the_plugin() {
    for (flag, method) in [(0, Method::None), (1, Method::Flate), (2, Method::Zlib)] {
        assert_eq!(method.flag(), flag);
        assert_eq!(Method::from_flag(flag).unwrap(), method);
    }
    assert_eq!(Method::from_flag(3).unwrap_err().kind(), ErrorKind::Corrupt);
}
