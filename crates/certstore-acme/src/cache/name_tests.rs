use std::hash::{BuildHasher as _, RandomState};

use super::*;

#[test]
fn a_name_of_any_length_is_its_bytes() {
    let hasher = RandomState::new();
    for length in [0, 1, INLINE - 1, INLINE, INLINE + 1, 253] {
        let text: String = "abcdefghij.".chars().cycle().take(length).collect();
        let name = Name::new(&text);
        let bytes: &[u8] = name.borrow();
        assert_eq!(bytes, text.as_bytes());
        assert_eq!(hasher.hash_one(&name), hasher.hash_one(text.as_bytes()), "{length}");
        assert_eq!(name, name.clone());
        assert_ne!(name, Name::new(&format!("{text}x")));
    }
    assert_eq!(size_of::<Name>(), 32);
}
