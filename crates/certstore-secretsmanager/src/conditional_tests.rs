//! Labels.

use super::*;

#[test]
fn labels_grow_stale() {
    let now = SystemTime::now();
    let (one, other) = (label(now), label(now));
    assert_ne!(one, other);
    assert!(one.len() <= 256);
    assert!(!is_stale(&one, now) && !is_stale(&one, now + STALE / 2));
    assert!(is_stale(&one, now + STALE + Duration::from_secs(2)));
    for foreign in
        ["AWSCURRENT", "AWSPREVIOUS", "certstore-cas-", "certstore-cas-x-y", "certstore-candidate"]
    {
        assert!(!is_stale(foreign, now + 100 * STALE), "{foreign}");
    }
}
