use super::{StoreId, with_associated_data};

fn data(id: Option<&str>, key: &str) -> Vec<u8> {
    let id: Option<StoreId> = id.map(|id| id.parse().unwrap());
    with_associated_data(id.as_ref(), key, <[u8]>::to_vec)
}

#[test]
fn without_a_store_id_the_data_are_the_key_and_with_one_these() {
    assert_eq!(data(None, "a/b"), b"a/b");
    assert_eq!(data(Some("prod"), "a/b"), b"certstore-seal-1\0prod\0a/b");
    // One cannot run into the other.
    assert_ne!(data(Some("x"), "y/z"), data(Some("x/y"), "z"));
}

#[test]
fn a_store_id_is_printable_ascii_of_1_to_128_characters() {
    for good in ["a", "prod/eu-1", &"x".repeat(128)] {
        assert_eq!(good.parse::<StoreId>().unwrap().to_string(), good);
    }
    for bad in ["", "a b", "a\0b", "ä", "a\n", &"x".repeat(129)] {
        let error = bad.parse::<StoreId>().unwrap_err();
        assert!(error.message().contains("128"), "{error}");
    }
}
