//! Files of the user, beside the storage.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::exit::Failure;

/// The bytes of `path`; of the standard input for `-`.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    if path != Path::new("-") {
        return fs::read(path)
            .map_err(|error| Failure::local(format!("read {}", path.display()), error));
    }
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::local("read the standard input", error))?;
    Ok(bytes)
}

/// Writes `bytes` to `path` whole or not at all, readable by its owner alone: a value may be a private key. A device or a
/// pipe is written to as it is.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let special = fs::metadata(path).is_ok_and(|there| !there.is_file());
    let written = if special {
        OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(bytes))
    } else {
        replace(path, bytes)
    };
    written.map_err(|error| Failure::local(format!("write {}", path.display()), error))
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A symbolic link is followed, as with a plain write: the file it names is replaced, not the link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let temp = temporary(&path)?;
    let written = create(&temp)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temp, &path));
    if written.is_err() {
        // The failure to write is the one to tell; what is left of the file has a name that says so.
        let _ = fs::remove_file(&temp);
    }
    written
}

fn temporary(path: &Path) -> io::Result<PathBuf> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it names no file"))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.tmp", std::process::id()));
    Ok(path.with_file_name(hidden))
}

#[cfg(unix)]
fn create(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}
