use bytes::Bytes;

use super::*;
use crate::bucket::Head;
use crate::frame::tests::frame;

/// Appends frames that name each other, as writers do that know the log.
fn grow(log: &mut Vec<u8>, nonces: std::ops::RangeInclusive<u128>) {
    for nonce in nonces {
        let frame = frame(nonce, nonce - 1, extend(0, log));
        log.extend_from_slice(&frame.encode().unwrap());
    }
}

/// The log as it is read with `count` bytes of its end.
fn read(log: &[u8], count: usize) -> Object {
    let head = Head {
        etag: "x".into(),
        size: log.len() as u64,
        modified: None,
        date: None,
        checksum: Some(extend(0, log)),
        appendable: true,
        is_version: false,
    };
    let from = log.len().saturating_sub(count);
    Object { head, body: Bytes::copy_from_slice(&log[from..]) }
}

fn last(log: &[u8], count: usize) -> Option<u128> {
    let end = end(&read(log, count)).unwrap()?;
    assert_eq!((end.position, end.checksum), (log.len() as u64, extend(0, log)));
    Some(end.last.record.write)
}

#[test]
fn the_last_frame_counts_whatever_part_is_read() {
    let mut log = Vec::new();
    grow(&mut log, 1..=20);
    for count in [BLOCK * 2, BLOCK * 3, BLOCK * 8, log.len(), log.len() + BLOCK] {
        assert_eq!(last(&log, count), Some(20), "{count}");
    }
    // A part that has no whole frame tells nothing.
    assert_eq!(last(&log, BLOCK), None);
    assert_eq!(last(b"", 0), None);
}

#[test]
fn a_frame_of_a_deleted_log_changes_nothing() {
    let (mut old, mut log) = (Vec::new(), Vec::new());
    grow(&mut old, 1..=5);
    grow(&mut log, 101..=105);
    assert_eq!(old.len(), log.len());
    // The late writer knew the old log, and lands on the new one of the same length; even twice.
    let late = frame(6, 5, extend(0, &old));
    log.extend_from_slice(&late.encode().unwrap());
    old.extend_from_slice(&late.encode().unwrap());
    for count in [BLOCK * 4, log.len()] {
        assert_eq!(last(&log, count), Some(105), "{count}");
    }
    log.extend_from_slice(&frame(7, 6, extend(0, &old)).encode().unwrap());
    assert_eq!(last(&log, BLOCK * 2), None, "nothing in this part counts");
    assert_eq!(last(&log, BLOCK * 8), Some(105));
    assert_eq!(last(&log, log.len()), Some(105));
    // Who has read the log goes on behind it.
    let next = frame(106, 105, extend(0, &log));
    log.extend_from_slice(&next.encode().unwrap());
    for count in [BLOCK * 2, log.len()] {
        assert_eq!(last(&log, count), Some(106), "{count}");
    }
}

#[test]
fn nothing_counts_behind_the_end_of_a_log() {
    let mut log = Vec::new();
    grow(&mut log, 1..=3);
    let over = Frame { next: Some(1), ..frame(3, 3, extend(0, &log)) };
    log.extend_from_slice(&over.encode().unwrap());
    log.extend_from_slice(&frame(4, 3, 0).encode().unwrap());
    assert_eq!(end(&read(&log, log.len())).unwrap().unwrap().last.next, Some(1));
}

#[test]
fn damage_and_foreign_bytes_are_an_error_and_no_free_lock() {
    let mut log = Vec::new();
    grow(&mut log, 1..=3);
    let mut damaged = log.clone();
    damaged[BLOCK * 3] ^= 1;
    let mut foreign = log.clone();
    foreign.resize(log.len() + BLOCK, b'x');
    let odd = [&log[..], b"x"].concat();
    let mut normal = read(&log, log.len());
    normal.head.appendable = false;
    for object in [
        read(&damaged, damaged.len()),
        read(&foreign, foreign.len()),
        read(&foreign, BLOCK * 4),
        read(&odd, odd.len()),
        normal,
    ] {
        assert_eq!(end(&object).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[test]
fn without_a_checksum_only_the_whole_tells() {
    let mut log = Vec::new();
    grow(&mut log, 1..=9);
    let mut object = read(&log, BLOCK * 4);
    object.head.checksum = None;
    assert_eq!(end(&object).unwrap(), None);
    let mut whole = read(&log, log.len());
    whole.head.checksum = None;
    assert_eq!(end(&whole).unwrap().unwrap().last.record.write, 9);
}
