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

/// A file that is written bit by bit and takes its place when it is whole, readable by its owner alone. Dropped before
/// that, it is gone. A device or a pipe is written to as it is.
pub(crate) struct Pending {
    file: File,
    /// Where it is until then, and where it is to be; `None` for what is no plain file.
    places: Option<(PathBuf, PathBuf)>,
}

impl Pending {
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let special = fs::metadata(path).is_ok_and(|there| !there.is_file());
        let made = if special {
            OpenOptions::new().write(true).open(path).map(|file| Self { file, places: None })
        } else {
            let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
            temporary(&path).and_then(|temp| {
                create(&temp).map(|file| Self { file, places: Some((temp, path)) })
            })
        };
        made.map_err(|error| Failure::local(format!("write {}", path.display()), error))
    }

    /// Puts it in its place.
    pub(crate) fn keep(mut self) -> io::Result<()> {
        let Some((temp, path)) = &self.places else { return self.file.flush() };
        self.file.sync_all()?;
        fs::rename(temp, path)?;
        self.places = None;
        Ok(())
    }
}

impl Write for Pending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some((temp, _)) = self.places.take() {
            // Its name says what it is, should that fail.
            let _ = fs::remove_file(temp);
        }
    }
}

/// A file without a name, to keep what is secret for a while: nobody else can open it, and it ends with the process.
pub(crate) fn nameless() -> io::Result<File> {
    let folder = std::env::temp_dir();
    let name = format!("certstore-{}.tmp", std::process::id());
    let path = folder.join(name);
    // Left by a process of the same id that was killed in between; nobody else's can be removed there.
    let _ = fs::remove_file(&path);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let file = options.open(&path)?;
    // Where an open file cannot be removed (Windows), it stays until the system clears its temporary files.
    let _ = fs::remove_file(&path);
    Ok(file)
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
