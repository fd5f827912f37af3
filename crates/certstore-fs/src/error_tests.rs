use std::error::Error as _;

use super::*;

#[test]
fn every_errno_has_its_kind() {
    let table = [
        (Errno::NOENT, ErrorKind::NotFound),
        (Errno::ACCESS, ErrorKind::PermissionDenied),
        (Errno::PERM, ErrorKind::PermissionDenied),
        (Errno::ROFS, ErrorKind::PermissionDenied),
        (Errno::NOSPC, ErrorKind::Unavailable),
        (Errno::DQUOT, ErrorKind::Unavailable),
        (Errno::FBIG, ErrorKind::TooLarge),
        (Errno::NAMETOOLONG, ErrorKind::InvalidKey),
        (Errno::LOOP, ErrorKind::Other),
        (Errno::XDEV, ErrorKind::Other),
        (Errno::IO, ErrorKind::Unavailable),
        (Errno::STALE, ErrorKind::Unavailable),
        (Errno::TIMEDOUT, ErrorKind::Unavailable),
        (Errno::HOSTDOWN, ErrorKind::Unavailable),
        (Errno::MFILE, ErrorKind::Unavailable),
        (Errno::NFILE, ErrorKind::Unavailable),
        (Errno::NOMEM, ErrorKind::Unavailable),
        (Errno::AGAIN, ErrorKind::Unavailable),
        (Errno::BUSY, ErrorKind::Unavailable),
        (Errno::OPNOTSUPP, ErrorKind::Unsupported),
        (Errno::ILSEQ, ErrorKind::Other),
    ];
    for (errno, kind) in table {
        let error = io_error(errno.into());
        assert_eq!(error.kind(), kind, "{errno:?}");
        assert_eq!(error.backend(), Some(BACKEND), "{errno:?}");
        let line = error.to_string();
        assert!(!line.contains('\n') && !line.contains("os error"), "{line}");
        assert!(error.source().expect("the I/O error").to_string().contains("os error"));
    }
}

#[test]
fn an_error_without_errno_is_other() {
    assert_eq!(io_error(io::Error::other("made up")).kind(), ErrorKind::Other);
}

#[test]
fn a_bad_root_names_the_path_and_the_way_out() {
    let table = [
        (Errno::NOENT, ErrorKind::InvalidConfig, "create"),
        (Errno::NOTDIR, ErrorKind::InvalidConfig, "no directory"),
        (Errno::ACCESS, ErrorKind::PermissionDenied, "permissions"),
        (Errno::ROFS, ErrorKind::PermissionDenied, "remount"),
        (Errno::NOSPC, ErrorKind::Unavailable, "free some"),
    ];
    for (errno, kind, hint) in table {
        let error = open_error(errno.into(), Path::new("/srv/a\nb"));
        assert_eq!(error.kind(), kind, "{errno:?}");
        let line = error.to_string();
        assert!(
            line.contains("/srv/a\\nb") && line.contains(hint) && !line.contains('\n'),
            "{line}"
        );
    }
}
