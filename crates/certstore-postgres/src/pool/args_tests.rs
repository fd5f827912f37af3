use super::{Arg, written};

#[test]
fn parameters_become_hexadecimal_constants() {
    let args = [Arg::Text("a'b"), Arg::Bytes(&[0, 255]), Arg::Int(-7), Arg::Bool(true)];
    assert_eq!(
        written("SELECT $1, $2 || $2, $3, $4", &args),
        "SELECT convert_from(decode('612762','hex'),'UTF8'), decode('00ff','hex') || decode('00ff','hex'), \
         (-7::bigint), TRUE"
    );
}

#[test]
fn the_tenth_parameter_is_not_the_first() {
    let args: Vec<_> = (1..=12).map(Arg::Int).collect();
    assert_eq!(written("$1,$10,$12", &args), "(1::bigint),(10::bigint),(12::bigint)");
}

#[test]
fn lists_have_their_type_also_when_empty() {
    assert_eq!(written("$1", &[Arg::Texts(&[])]), "ARRAY[]::text[]");
    assert_eq!(
        written("$1", &[Arg::ByteStrings(&[b"\\", b""])]),
        "ARRAY[decode('5c','hex'),decode('','hex')]::bytea[]"
    );
}

#[test]
fn nothing_in_a_parameter_is_taken_for_one() {
    assert_eq!(
        written("$1 $2", &[Arg::Text("$2"), Arg::Int(1)]),
        "convert_from(decode('2432','hex'),'UTF8') (1::bigint)"
    );
}
