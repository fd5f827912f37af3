//! What the operating system's errors mean to a caller.

use std::io;
use std::path::Path;

use certstore_core::{Error, ErrorKind};
use rustix::io::Errno;

/// The backend's name in errors.
pub(crate) const BACKEND: &str = "fs";

/// The one mapping of an I/O error to this project's error; the I/O error is kept as the source.
pub(crate) fn io_error(error: io::Error) -> Error {
    let (kind, message) = meaning(&error);
    Error::new(kind, message).with_backend(BACKEND).with_source(error)
}

/// The error of opening or creating the root at `path`.
pub(crate) fn open_error(error: io::Error, path: &Path) -> Error {
    let errno = Errno::from_io_error(&error);
    let (kind, message) = match errno {
        Some(Errno::NOENT) => (
            ErrorKind::InvalidConfig,
            "the directory does not exist, or is a link to nothing; create it, or allow this with create = true",
        ),
        Some(Errno::NOTDIR | Errno::EXIST) => (
            ErrorKind::InvalidConfig,
            "this is no directory; name one that is, or a path that is free",
        ),
        Some(Errno::ACCESS | Errno::PERM) => (
            ErrorKind::PermissionDenied,
            "this user may not open or create the directory; fix its permissions or run as its owner",
        ),
        Some(Errno::LOOP) => {
            (ErrorKind::InvalidConfig, "symbolic links lead in a circle; name the directory itself")
        }
        _ => meaning(&error),
    };
    let shown: String = path.to_string_lossy().chars().flat_map(char::escape_debug).collect();
    Error::new(kind, message)
        .with_operation("open the directory")
        .with_subject(shown)
        .with_backend(BACKEND)
        .with_source(error)
}

/// The error of a key where a symbolic link, a pipe or a device lies.
pub(crate) fn foreign_error() -> Error {
    Error::new(
        ErrorKind::Other,
        "what lies here is neither a file nor a directory (links are not followed); put the file itself in its place",
    )
    .with_backend(BACKEND)
}

/// The error of a store that would make one key a value and a directory.
pub(crate) fn tree_conflict(what: &'static str) -> Error {
    Error::new(ErrorKind::Conflict, what).with_backend(BACKEND)
}

/// Whether the path leads nowhere: nothing is there, or a file lies where a directory would have to be.
pub(crate) fn is_missing(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOENT | Errno::NOTDIR))
}

fn meaning(error: &io::Error) -> (ErrorKind, &'static str) {
    let Some(errno) = Errno::from_io_error(error) else {
        return (ErrorKind::Other, "the operating system reports an error");
    };
    match errno {
        Errno::NOENT => (ErrorKind::NotFound, "no value is stored here"),
        Errno::ACCESS | Errno::PERM => (
            ErrorKind::PermissionDenied,
            "the file system refuses this user; fix the permissions or run as the owner of the directory",
        ),
        Errno::ROFS => (
            ErrorKind::PermissionDenied,
            "the file system is mounted read-only; remount it for writing",
        ),
        Errno::NOSPC => {
            (ErrorKind::Unavailable, "no space left on the device; free some and retry")
        }
        Errno::DQUOT => (ErrorKind::Unavailable, "the disk quota is used up; free some and retry"),
        Errno::FBIG => (ErrorKind::TooLarge, "the value is larger than a file may be here"),
        Errno::NAMETOOLONG => (ErrorKind::InvalidKey, "the key is too long for this file system"),
        Errno::LOOP => (
            ErrorKind::Other,
            "a symbolic link lies on the way, and links are not followed; put the directory itself in its place",
        ),
        Errno::XDEV => (ErrorKind::Other, "the path leads out of the root directory"),
        Errno::IO => (
            ErrorKind::Unavailable,
            "the device reports an input/output error; look at the system log and retry",
        ),
        Errno::STALE => (
            ErrorKind::Unavailable,
            "the directory was deleted, or its server has lost it; restore it and open the storage again",
        ),
        Errno::TIMEDOUT | Errno::HOSTDOWN | Errno::HOSTUNREACH | Errno::NOTCONN => (
            ErrorKind::Unavailable,
            "the network file system does not answer; retry when its server is back",
        ),
        Errno::MFILE | Errno::NFILE => (
            ErrorKind::Unavailable,
            "too many files are open; raise the limit (ulimit -n) or retry later",
        ),
        Errno::NOMEM | Errno::AGAIN | Errno::INTR | Errno::BUSY | Errno::NOLCK => {
            (ErrorKind::Unavailable, "the system is short of something for the moment; retry")
        }
        Errno::OPNOTSUPP | Errno::NOSYS => {
            (ErrorKind::Unsupported, "the file system does not support this; use a local one")
        }
        _ => (ErrorKind::Other, "the operating system reports an error"),
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
