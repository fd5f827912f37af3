use super::*;

/// A record with this nonce.
pub(crate) fn record(write: u128) -> Record {
    let text = format!(
        "certstore-lock 1\nname job\nstate held\nowner 1\nwrite {write:x}\ntoken 7\nspan 1\nseq 0\nlease_ms 5000\n\
         created_us 0\nupdated_us 0\nholder somebody on the machine with the longest of names pid 123456 program\n"
    );
    Record::decode(&text).unwrap()
}

pub(crate) fn frame(write: u128, prev: u128, before: u64) -> Frame {
    Frame { next: None, prev, before, record: record(write) }
}

#[test]
fn a_frame_is_read_as_it_was_written() {
    let mut long = record(3);
    long.name = "x\n".repeat(256);
    for frame in [
        frame(1, 0, 0),
        Frame { next: Some(9), ..frame(2, u128::MAX, u64::MAX) },
        Frame { record: long, ..frame(3, 2, 1) },
    ] {
        let mut bytes = frame.encode().unwrap().to_vec();
        assert_eq!(bytes.len() % BLOCK, 0);
        bytes.extend_from_slice(b"what follows");
        assert_eq!(Frame::decode(&bytes), Some((frame, bytes.len() - 12)));
    }
}

#[test]
fn a_short_record_takes_two_blocks() {
    assert_eq!(frame(1, 0, 0).encode().unwrap().len(), 2 * BLOCK);
}

#[test]
fn damage_anywhere_is_found() {
    let whole = frame(1, 2, 3).encode().unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.to_vec();
        bytes[at] ^= 1;
        assert_eq!(Frame::decode(&bytes), None, "{at}");
    }
    for length in [0, 1, HEADER, whole.len() - 1] {
        assert_eq!(Frame::decode(&whole[..length]), None, "{length}");
    }
}

#[test]
fn a_record_that_no_lock_has_is_refused() {
    let mut long = record(1);
    long.name = "x".repeat(MAX_BLOCKS * BLOCK);
    assert_eq!(Frame { record: long, ..frame(1, 0, 0) }.encode(), None);
}
