use std::io;

use certstore::{Error, ErrorKind};

use super::{Failure, of_kind};

#[test]
fn every_kind_has_its_code() {
    for (kind, code) in [
        (ErrorKind::NotFound, 3),
        (ErrorKind::InvalidKey, 2),
        (ErrorKind::InvalidConfig, 2),
        (ErrorKind::PermissionDenied, 1),
        (ErrorKind::Conflict, 1),
        (ErrorKind::Fenced, 4),
        (ErrorKind::LockLost, 4),
        (ErrorKind::TooLarge, 1),
        (ErrorKind::Unavailable, 1),
        (ErrorKind::Corrupt, 1),
        (ErrorKind::Unsupported, 1),
        (ErrorKind::Other, 1),
    ] {
        assert_eq!(of_kind(kind), code, "{kind}");
    }
}

#[test]
fn an_error_is_one_line_with_its_sources_and_a_hint() {
    let source = io::Error::new(io::ErrorKind::StorageFull, "no space\nleft\u{1b}[31m");
    let error = Error::new(ErrorKind::Other, "the value cannot be written")
        .with_backend("fs")
        .with_source(source);
    let line = Failure::from(error).line().unwrap();
    assert_eq!(
        line,
        "certstore: fs: the value cannot be written: no space left [31m; free some space, then try again"
    );
}

#[test]
fn a_closed_pipe_is_silent() {
    let failure = Failure::printing(io::Error::from(io::ErrorKind::BrokenPipe));
    assert_eq!((failure.line(), failure.code()), (None, 0));
}
