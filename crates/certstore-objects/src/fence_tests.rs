//! Stamps, written and read.

use super::*;

fn fence(lock: &str, token: u64) -> FenceStamp {
    FenceStamp { lock: lock.into(), token }
}

#[test]
fn a_fence_is_read_back() {
    let written = fence("00ff", 42);
    let mut metadata = HashMap::from([written.entry()]);
    assert_eq!(FenceStamp::read(&metadata).unwrap(), Some(written));
    assert_eq!(FenceStamp::read(&HashMap::new()).unwrap(), None);
    for damaged in ["damaged", "x 00ff", ""] {
        metadata.insert(FENCE.to_owned(), damaged.to_owned());
        assert_eq!(FenceStamp::read(&metadata).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[test]
fn only_a_higher_token_of_the_same_lock_refuses() {
    assert!(fence("a", 2).refuses(&fence("a", 1)));
    assert!(!fence("a", 1).refuses(&fence("a", 1)));
    assert!(!fence("a", 1).refuses(&fence("a", 2)));
    assert!(!fence("b", 2).refuses(&fence("a", 1)));
}
