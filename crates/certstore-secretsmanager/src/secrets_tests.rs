//! What may be shown of values.

use super::*;

#[test]
fn a_value_is_not_shown() {
    let found = Found { id: "id".to_owned(), body: Body::Text("a private key".to_owned()) };
    assert_eq!(
        format!("{:?}", Got::Found(found)),
        "Found(Found { id: \"id\", body: Text(13 bytes) })"
    );
    assert_eq!(format!("{:?}", Body::Binary(Bytes::from_static(b"key"))), "Binary(3 bytes)");
}
