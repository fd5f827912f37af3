//! Ids, there and back.

use super::*;

fn stamp_of(lock: u128, token: u64) -> FenceStamp {
    FenceStamp { lock, token }
}

#[test]
fn ids_tell_what_they_are() {
    for of in [Kind::Value, Kind::Empty, Kind::Tombstone, Kind::Lock] {
        for stamp_in in [
            None,
            Some(stamp_of(u128::MAX, u64::MAX)),
            Some(stamp_of(0, 0)),
            Some(stamp_of(7 << 90, 12_345)),
        ] {
            let (one, other) = (fresh(of, stamp_in.as_ref()), fresh(of, stamp_in.as_ref()));
            assert_ne!(one, other);
            for id in [one, other] {
                assert!(is_possible(&id), "{id}");
                assert_eq!((kind(&id), stamp(&id)), (of, stamp_in), "{id}");
            }
        }
    }
    assert_eq!(of_record(5), of_record(5));
    assert_eq!(kind(&of_record(u128::MAX)), Kind::Lock);
}

#[test]
fn any_other_id_is_a_value() {
    let right = fresh(Kind::Tombstone, Some(&stamp_of(1, 2)));
    for foreign in [
        "01234567-89ab-cdef-0123-456789abcdef",
        "cs1t-0123",
        "cs1x-0123456789abcdef0123456789abcdef",
        "cs2t-0123456789abcdef0123456789abcdef",
        &right[..63],
        &right.to_uppercase(),
        &format!("{}1", &right[..63]),
    ] {
        assert_eq!((kind(foreign), stamp(foreign)), (Kind::Value, None), "{foreign}");
    }
}

#[test]
fn a_newer_holder_of_the_same_lock_refuses() {
    let newer = stamp_of(1, 9);
    assert!(newer.refuses(&stamp_of(1, 8)));
    assert!(!newer.refuses(&stamp_of(1, 9)) && !newer.refuses(&stamp_of(2, 8)));
    assert!(newer.is_same_lock(&stamp_of(1, 3)) && !newer.is_same_lock(&stamp_of(2, 9)));
}

#[test]
fn what_the_service_cannot_have_is_no_id() {
    for wrong in ["", "short", &"x".repeat(65), &format!("{} ", "x".repeat(40))] {
        assert!(!is_possible(wrong), "{wrong}");
    }
}
