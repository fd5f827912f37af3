//! Keysets in files: for their owner alone, and replaced whole or not at all.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use certstore_core::{Error, ErrorKind, Result};
use zeroize::Zeroizing;

use super::keyset::Keyset;

/// The longest keyset that is read, in bytes: thousands of keys.
const MAX_LENGTH: u64 = 1 << 20;

/// What to do when there is a file already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Existing {
    /// Leave it and fail: a keyset that is lost is a store that is lost.
    Refuse,
    /// Replace it, in one step.
    Replace,
}

impl Keyset {
    /// Reads a keyset from a file that only its owner can read.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: there is no such file, others can read it (Unix), or as
    /// [`from_json`](Self::from_json). [`ErrorKind::PermissionDenied`]: it cannot be opened.
    pub fn load(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| failed("read", path, error))?;
        check_mode(&file, path)?;
        let length = file.metadata().map_err(|error| failed("read", path, error))?.len();
        if length > MAX_LENGTH {
            let message = format!("a keyset has at most {MAX_LENGTH} bytes, this one has {length}");
            return Err(wrong(path, message));
        }
        // Large enough from the start: growing would leave a copy of the keys behind.
        let capacity = usize::try_from(length).unwrap_or_default() + 1;
        let mut json = Zeroizing::new(Vec::with_capacity(capacity));
        file.take(MAX_LENGTH)
            .read_to_end(&mut json)
            .map_err(|error| failed("read", path, error))?;
        Self::from_json(&json).map_err(|error| wrong(path, error.message().to_owned()))
    }

    /// Writes the keyset to a file that only its owner can read, atomically: a reader sees the old file or the new one, and
    /// so does whoever looks after a power cut. A file that is replaced keeps its owner and group.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`]: there is a file, and `existing` refuses it. [`ErrorKind::PermissionDenied`],
    /// [`ErrorKind::Other`]: the folder cannot be written.
    pub fn write(&self, path: &Path, existing: Existing) -> Result<()> {
        let failed = |error| failed("write", path, error);
        // Behind a link, it is the file that is replaced, not the link.
        let target = match existing {
            Existing::Replace => fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
            Existing::Refuse => path.to_owned(),
        };
        let folder = match target.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        // Made with mode 0600.
        let mut file =
            tempfile::Builder::new().prefix(".keyset").tempfile_in(&folder).map_err(failed)?;
        file.write_all(self.to_json().expose().as_bytes()).map_err(failed)?;
        if existing == Existing::Replace {
            keep_owner(file.as_file(), &target).map_err(failed)?;
        }
        file.as_file().sync_all().map_err(failed)?;
        let persisted = match existing {
            Existing::Refuse => file.persist_noclobber(&target),
            Existing::Replace => file.persist(&target),
        };
        persisted.map_err(|error| failed(error.error))?;
        sync_folder(&folder).map_err(failed)
    }
}

#[cfg(unix)]
fn check_mode(file: &File, path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata().map_err(|error| failed("read", path, error))?.permissions().mode();
    if mode & 0o077 != 0 {
        let message =
            format!("others than its owner can read it (mode {:03o}): chmod 600 it", mode & 0o777);
        return Err(wrong(path, message));
    }
    Ok(())
}

/// Elsewhere, folders say who reads what is in them.
#[cfg(not(unix))]
fn check_mode(_file: &File, _path: &Path) -> Result<()> {
    Ok(())
}

/// So that a service can still read its keyset after root has rotated it.
#[cfg(unix)]
fn keep_owner(file: &File, replaced: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let old = match fs::metadata(replaced) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        old => old?,
    };
    let new = file.metadata()?;
    if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
        fchown(file, Some(old.uid()), Some(old.gid()))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn keep_owner(_file: &File, _replaced: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere, folders cannot be synced.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

fn wrong(path: &Path, message: String) -> Error {
    Error::new(ErrorKind::InvalidConfig, message)
        .with_operation("read keyset")
        .with_subject(path.display().to_string())
}

fn failed(verb: &'static str, path: &Path, error: io::Error) -> Error {
    let (kind, message) = match (error.kind(), verb) {
        (io::ErrorKind::NotFound, "read") => {
            (ErrorKind::InvalidConfig, "there is no such file; `certstore keyset create` makes one")
        }
        (io::ErrorKind::AlreadyExists, _) => {
            (ErrorKind::Conflict, "there is a file already; it may be the only copy of its keys")
        }
        (io::ErrorKind::PermissionDenied, _) => {
            (ErrorKind::PermissionDenied, "the file or its folder is not this user's")
        }
        _ => (ErrorKind::Other, "the file or its folder failed"),
    };
    let operation = if verb == "read" { "read keyset" } else { "write keyset" };
    Error::new(kind, message)
        .with_operation(operation)
        .with_subject(path.display().to_string())
        .with_source(error)
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
