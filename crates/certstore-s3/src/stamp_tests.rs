//! Stamps, put on and taken off.

use super::*;

fn object(body: Bytes, metadata: HashMap<String, String>) -> Object {
    let head = Head { etag: "e".into(), size: body.len() as u64, modified: None, metadata };
    Object { head, body }
}

#[test]
fn a_stamp_comes_off_again() {
    for written in [&b""[..], b"value", b"certstore-stamp1"] {
        let (body, metadata) = stamped(written, 7, None);
        assert_eq!(body.len(), written.len() + TRAILER);
        let object = object(body, metadata);
        assert_eq!(value_size(&object.head), written.len() as u64);
        assert_eq!(value(object).unwrap(), written);
    }
}

#[test]
fn equal_values_have_unequal_bodies() {
    assert_ne!(stamped(b"value", 1, None).0, stamped(b"value", 2, None).0);
}

#[test]
fn a_stamp_without_the_mark_is_damage() {
    let (body, _) = stamped(b"value", 7, None);
    let error = value(object(body, HashMap::new())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("copied without its metadata"), "{error}");
}

#[test]
fn a_plain_value_that_looks_stamped_stays_whole() {
    let (like, _) = stamped(b"value", 7, None);
    let marked = object(like.clone(), plain(&like).expect("marked as plain"));
    assert_eq!(value_size(&marked.head), like.len() as u64);
    assert_eq!(value(marked).unwrap(), like);
    for other in [&b""[..], b"value", b"certstore-stamp1", &like[1..like.len() - 1]] {
        assert_eq!(plain(other), None);
        assert_eq!(value(object(Bytes::copy_from_slice(other), HashMap::new())).unwrap(), other);
    }
}

#[test]
fn a_mark_without_a_stamp_is_damage() {
    let (_, metadata) = stamped(b"", 7, None);
    for body in [&b"short"[..], &[0; 64]] {
        let object = object(Bytes::from(body), metadata.clone());
        assert_eq!(value(object).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[test]
fn a_fence_stands_beside_the_stamp() {
    let mut fenced = HashMap::from([("certstore-fence".to_owned(), "42 00ff".to_owned())]);
    let fence = FenceStamp::read(&fenced).unwrap().expect("a fence");
    let (_, metadata) = stamped(b"", 7, Some(&fence));
    assert_eq!(FenceStamp::read(&metadata).unwrap(), Some(fence));
    fenced.insert(STAMPED.to_owned(), "1".to_owned());
    assert_eq!(metadata, fenced);
    assert_eq!(FenceStamp::read(&stamped(b"", 7, None).1).unwrap(), None);
}
