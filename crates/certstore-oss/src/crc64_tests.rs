use super::extend;

/// The check value of CRC-64/XZ, which is the same code.
#[test]
fn the_check_value_is_that_of_the_catalogue() {
    assert_eq!(extend(0, b""), 0);
    assert_eq!(extend(0, b"123456789"), 0x995D_C9BB_DF19_39FA);
    assert_eq!(extend(extend(0, b"1234"), b"56789"), 0x995D_C9BB_DF19_39FA);
}
