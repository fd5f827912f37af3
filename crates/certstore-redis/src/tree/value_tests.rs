use certstore_core::ErrorKind;

use super::*;

const VERSION: &str = "0123456789abcdef0123456789abcdef";

fn key() -> Key {
    "a/b".parse().expect("a key")
}

#[test]
fn a_plain_value_comes_back() {
    for value in [&b""[..], b"x", b"cs1 0063 \n", &[0xff; 4096]] {
        let stored = encode(value, VERSION, None).expect("encoded");
        assert_eq!(stored.len(), PLAIN_HEAD + value.len());
        let known = info(key(), &stored[..PLAIN_HEAD], stored.len() as u64).expect("known");
        assert_eq!(known.size, Some(value.len() as u64));
        assert_eq!(known.version.as_ref().map(Version::as_str), Some(VERSION));
        let age = known.modified.expect("a time").elapsed().expect("in the past");
        assert!(age < Duration::from_secs(60), "{age:?}");
        let versioned = decode(stored).expect("decoded");
        assert_eq!((&versioned.value[..], versioned.version.as_str()), (value, VERSION));
    }
}

#[test]
fn a_stamped_value_comes_back() {
    let stamp = Stamp { locker: "redis \u{e9}", lock: "job\n 1", token: "00000000000000000042" };
    let stored = encode(b"value", VERSION, Some(&stamp)).expect("encoded");
    let text = String::from_utf8(stored.clone()).expect("text");
    assert!(text.ends_with(" 00000000000000000042 0008 redis \u{e9}job\n 1\nvalue"), "{text}");
    let known = info(key(), &stored[..PLAIN_HEAD], stored.len() as u64).expect("known");
    assert_eq!(known.size, Some(5));
    assert_eq!(&decode(stored).expect("decoded").value[..], b"value");
}

#[test]
fn what_is_no_value_is_refused() {
    let stored = encode(b"value", VERSION, None).expect("encoded");
    for end in 0..PLAIN_HEAD {
        assert!(decode(stored[..end].to_vec()).is_err(), "{end}");
        assert!(info(key(), &stored[..end.min(PLAIN_HEAD - 2)], 5).is_err(), "{end}");
    }
    assert!(info(key(), &stored[..PLAIN_HEAD], 5).is_err(), "shorter than its head");
    for (at, with) in [(0, b'C'), (4, b'x'), (8, b'9'), (9, b' '), (41, b'0'), (42, b'-')] {
        let mut broken = stored.clone();
        broken[at] = with;
        assert!(decode(broken).is_err(), "{at}");
    }
}

#[test]
fn a_stamp_that_is_too_long_is_refused() {
    let locker = "l".repeat(10_000);
    let stamp = Stamp { locker: &locker, lock: "job", token: "00000000000000000042" };
    let error = encode(b"value", VERSION, Some(&stamp)).expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
