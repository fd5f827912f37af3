//! The directory `locks`, opened: every call is relative to its descriptor, and no symbolic link is followed.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::SystemTime;

use certstore_core::{RESERVED, Random};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::root::Root;

/// CertMagic reads no more of a lock file either.
const MAX_READ: u64 = 2048;

const FLAGS: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// The opened directory.
#[derive(Debug, Clone)]
pub(super) struct LocksDir {
    root: Arc<Root>,
    dir: Arc<File>,
}

/// A file as it was found: its inode and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) inode: u64,
    pub(super) bytes: Vec<u8>,
}

impl LocksDir {
    /// Opens it; a missing one is created.
    pub(super) fn open(root: &Arc<Root>) -> io::Result<Self> {
        Ok(Self { root: root.clone(), dir: Arc::new(root.locks_dir()?) })
    }

    /// Opens it if it is there.
    pub(super) fn open_if_made(root: &Arc<Root>) -> io::Result<Option<Self>> {
        match root.open_dir(RESERVED) {
            Ok(dir) => Ok(Some(Self { root: root.clone(), dir: Arc::new(dir) })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn file(&self) -> &File {
        &self.dir
    }

    /// Opens a file that stays for good, creating it when it is missing.
    pub(super) fn open_or_create(&self, name: &str) -> io::Result<File> {
        self.root.open_or_create(&self.dir, name, Mode::RUSR | Mode::WUSR)
    }

    /// Opens a file for reading and, where that is allowed, for writing, if it is there.
    pub(super) fn open_existing(&self, name: &str) -> io::Result<Option<File>> {
        match self.open_if_there(name, OFlags::RDWR) {
            Err(error) if refused(&error) => self.open_if_there(name, OFlags::RDONLY),
            opened => opened,
        }
    }

    /// Creates a file of a random name that nobody else has.
    pub(super) fn create_temp(
        &self,
        random: &dyn Random,
        mode: Mode,
    ) -> io::Result<(Temp<'_>, File)> {
        let name = format!(".{:032x}~", random.next_u128());
        let flags = FLAGS | OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        let file: File = rustix::fs::openat(&*self.dir, &name, flags, mode)?.into();
        let temp = Temp { dir: self, name };
        self.root.give_owner(&self.dir, &file)?;
        Ok((temp, file))
    }

    /// Reads a file, if it is there.
    pub(super) fn read(&self, name: &str) -> io::Result<Option<Found>> {
        let Some(file) = self.open_if_there(name, OFlags::RDONLY)? else { return Ok(None) };
        read_found(file).map(Some)
    }

    /// The inode that a name leads to.
    pub(super) fn inode(&self, name: &str) -> io::Result<Option<u64>> {
        match rustix::fs::statat(&*self.dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat.st_ino)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// When a file was written last.
    pub(super) fn modified(&self, name: &str) -> io::Result<Option<SystemTime>> {
        self.open_if_there(name, OFlags::RDONLY)?
            .map(|file| file.metadata()?.modified())
            .transpose()
    }

    /// Gives a file a second name; `false` when that name is taken or the file is gone.
    pub(super) fn link(&self, from: &str, to: &str) -> io::Result<bool> {
        match rustix::fs::linkat(&*self.dir, from, &*self.dir, to, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST | Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Renames a file over what may be there; `false` when `from` is gone.
    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<bool> {
        found(rustix::fs::renameat(&*self.dir, from, &*self.dir, to))
    }

    /// Lets two files change names in one step; `false` when the file system cannot.
    #[cfg(target_os = "linux")]
    pub(super) fn exchange(&self, a: &str, b: &str) -> io::Result<bool> {
        use rustix::fs::RenameFlags;
        match rustix::fs::renameat_with(&*self.dir, a, &*self.dir, b, RenameFlags::EXCHANGE) {
            Ok(()) => Ok(true),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn exchange(&self, _a: &str, _b: &str) -> io::Result<bool> {
        Ok(false)
    }

    /// Removes a file; `false` when it is gone already.
    pub(super) fn remove(&self, name: &str) -> io::Result<bool> {
        found(rustix::fs::unlinkat(&*self.dir, name, AtFlags::empty()))
    }

    /// Takes the file away from the name `name`, whatever it is; `None` when there is none. Of several who try, one
    /// gets it.
    pub(super) fn take(&self, name: &str, random: &dyn Random) -> io::Result<Option<Temp<'_>>> {
        let aside = format!(".{:032x}.steal~", random.next_u128());
        let taken = self.rename(name, &aside)?;
        Ok(taken.then(|| Temp { dir: self, name: aside }))
    }

    /// The names of all files.
    pub(super) fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&*self.dir)? {
            names.extend(entry?.file_name().to_str().ok().map(str::to_owned));
        }
        Ok(names)
    }

    fn open_if_there(&self, name: &str, access: OFlags) -> io::Result<Option<File>> {
        match rustix::fs::openat(&*self.dir, name, FLAGS | access, Mode::empty()) {
            Ok(file) => regular(file.into()).map(Some),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// A file of a passing name, which goes when this is dropped.
#[derive(Debug)]
pub(super) struct Temp<'a> {
    dir: &'a LocksDir,
    pub(super) name: String,
}

impl Temp<'_> {
    pub(super) fn read(&self) -> io::Result<Option<Found>> {
        self.dir.read(&self.name)
    }
}

impl Drop for Temp<'_> {
    fn drop(&mut self) {
        // Left behind, it is swept when it is old.
        let _ = self.dir.remove(&self.name);
    }
}

/// The inode of an open file.
pub(super) fn inode_of(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.ino())
}

fn read_found(file: File) -> io::Result<Found> {
    let inode = inode_of(&file)?;
    let mut bytes = Vec::new();
    file.take(MAX_READ).read_to_end(&mut bytes)?;
    Ok(Found { inode, bytes })
}

/// A lock is a regular file: nothing else is written to or waited for.
fn regular(file: File) -> io::Result<File> {
    let mode = rustix::fs::fstat(&file)?.st_mode;
    if FileType::from_raw_mode(mode) == FileType::RegularFile {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"))
    }
}

fn refused(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

fn found(done: rustix::io::Result<()>) -> io::Result<bool> {
    match done {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
