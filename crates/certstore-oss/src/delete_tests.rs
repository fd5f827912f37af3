use super::{fits_batch, is_rewritten, told};

fn answer(names: &[&str]) -> Vec<u8> {
    let deleted: String =
        names.iter().map(|name| format!("<Deleted><Key>{name}</Key></Deleted>")).collect();
    format!("<DeleteResult><EncodingType>url</EncodingType>{deleted}</DeleteResult>").into_bytes()
}

#[test]
fn what_an_answer_does_not_name_is_left() {
    let batch = ["a b".to_owned(), "c".to_owned()];
    told(&batch, &answer(&["a%20b", "c"])).unwrap();
    let error = told(&batch, &answer(&["c"])).unwrap_err();
    assert!(
        error.to_string().contains("1 of 2 objects could not be deleted, among them \"a b\""),
        "{error}"
    );
    assert!(error.may_have_applied() && error.is_retryable());
    assert!(told(&batch, b"").unwrap_err().may_have_applied());
}

#[test]
fn odd_names_go_another_way() {
    assert!(fits_batch("a&b") && !fits_batch("a\u{1}b") && !fits_batch("a\nb"));
    assert!(is_rewritten("a/../b") && is_rewritten(".") && !is_rewritten("a..b/c."));
}
