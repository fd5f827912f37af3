use std::io;

use certstore_core::ErrorKind;

use super::{Stage, exactly, from_sqlx, is_broken, is_unsent, meaning, one_line};

fn lost() -> sqlx::Error {
    sqlx::Error::Io(io::ErrorKind::ConnectionReset.into())
}

#[test]
fn codes_have_kinds() {
    let kind = |code| meaning(code, "").0;
    assert_eq!(kind("28P01"), ErrorKind::PermissionDenied);
    assert_eq!(kind("28000"), ErrorKind::PermissionDenied);
    assert_eq!(kind("3D000"), ErrorKind::InvalidConfig);
    assert_eq!(kind("42501"), ErrorKind::PermissionDenied);
    assert_eq!(kind("25006"), ErrorKind::PermissionDenied);
    for code in ["53300", "53100", "57P01", "57P03", "40001", "40P01", "08006", "58030"] {
        assert_eq!(kind(code), ErrorKind::Unavailable, "{code}");
    }
    assert_eq!(kind("CS001"), ErrorKind::Conflict);
    assert_eq!(kind("XX001"), ErrorKind::Corrupt);
    assert_eq!(kind("XX002"), ErrorKind::Corrupt);
    assert_eq!(kind("XX000"), ErrorKind::Other);
    assert_eq!(kind("99999"), ErrorKind::Other);
    assert_eq!(kind(""), ErrorKind::Other);
}

#[test]
fn a_pooler_that_refuses_settings_is_told_apart() {
    let (kind, message) = meaning("08P01", "unsupported startup parameter: options");
    assert_eq!(kind, ErrorKind::InvalidConfig);
    assert!(message.contains("pooler"));
}

#[test]
fn only_a_write_whose_reply_was_lost_may_have_applied() {
    assert!(from_sqlx(&lost(), Stage::Write).may_have_applied());
    assert!(!from_sqlx(&lost(), Stage::Read).may_have_applied());
    assert!(!from_sqlx(&lost(), Stage::Connect).may_have_applied());
    assert!(!from_sqlx(&sqlx::Error::RowNotFound, Stage::Write).may_have_applied());
}

#[test]
fn a_broken_pipe_was_not_sent() {
    assert!(is_broken(&lost()));
    assert!(!is_unsent(&lost()));
    assert!(is_unsent(&sqlx::Error::Io(io::ErrorKind::BrokenPipe.into())));
}

#[test]
fn every_message_is_one_line_that_says_what_to_do() {
    for code in ["CS001", "CS002", "CS003", "28P01", "53100", "57014", "26000", "0A000"] {
        let (_, message) = exactly(code).unwrap();
        assert!(!message.contains('\n') && message.len() > 20, "{message}");
    }
    assert_eq!(one_line("a\nb\rc"), "a b c");
}
