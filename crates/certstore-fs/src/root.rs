//! The root directory, and opening beneath it: no path leaves the root and no symbolic link is followed.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use certstore_core::{Clock, RESERVED, Result};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::error::open_error;
use crate::owner;

/// Directories are for their owner alone: keys lie in them.
pub(crate) const DIR_MODE: Mode = Mode::RWXU;

/// So are files.
pub(crate) const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

const DIR_FLAGS: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The opened root directory. Everything is opened relative to its descriptor, so renaming the root or swapping the
/// path that led to it changes nothing for a store that is open.
pub(crate) struct Root {
    dir: File,
    path: PathBuf,
    clock: Arc<dyn Clock>,
    superuser: bool,
    resolver: Resolver,
}

/// Who makes sure that a path stays beneath the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resolver {
    /// Linux 5.6 and later, in one system call.
    #[cfg(target_os = "linux")]
    Kernel,
    /// Elsewhere: one `openat` without following links for each component.
    Components,
}

impl Root {
    /// Opens the directory at `path`; a missing one is created, with its parents, when `create` says so.
    pub(crate) fn open(path: &Path, create: bool, clock: Arc<dyn Clock>) -> Result<Self> {
        let superuser = rustix::process::geteuid().is_root();
        let dir = match open_root(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && create => {
                create_root(path, superuser).and_then(|()| open_root(path))
            }
            opened => opened,
        };
        let dir = dir.map_err(|error| open_error(error, path))?;
        let path = path.canonicalize().map_err(|error| open_error(error, path))?;
        let resolver = Resolver::probe(&dir);
        Ok(Self { dir, path, clock, superuser, resolver })
    }

    /// The root's path when it was opened, without symbolic links: for messages, and for what takes paths only.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The root directory itself.
    pub(crate) fn dir(&self) -> &File {
        &self.dir
    }

    /// The clock of this storage.
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The directory of lock records, created when it is missing. It needs no fsync: locks end with their processes.
    pub(crate) fn locks_dir(&self) -> io::Result<File> {
        match self.open_dir(RESERVED) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.enter_or_make(&self.dir, RESERVED, Sync::No)
            }
            opened => opened,
        }
    }

    /// Opens the directory `below` for reading its entries and for `*at` calls; the empty string is the root.
    pub(crate) fn open_dir(&self, below: &str) -> io::Result<File> {
        self.open_beneath(below, DIR_FLAGS)
    }

    /// Opens the file `below` for reading. It never blocks: what is no regular file is for the caller to find out.
    pub(crate) fn open_file(&self, below: &str) -> io::Result<File> {
        self.open_beneath(
            below,
            OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW,
        )
    }

    /// What lies at `below`; a symbolic link is told as such.
    pub(crate) fn stat(&self, below: &str) -> io::Result<Stat> {
        #[cfg(target_os = "linux")]
        if self.resolver == Resolver::Kernel {
            let node =
                self.open_beneath(below, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC)?;
            return Ok(rustix::fs::fstat(node)?);
        }
        let (parent, name) = below.rsplit_once('/').unwrap_or(("", below));
        Ok(rustix::fs::statat(self.open_dir(parent)?, name, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Opens the directory `below`; what is missing of it is made with mode 0700, and each new entry is synced.
    pub(crate) fn make_dirs(&self, below: &str) -> io::Result<File> {
        match self.open_dir(below) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        let mut dir = self.open_dir("")?;
        for name in below.split('/') {
            dir = self.enter_or_make(&dir, name, Sync::Yes)?;
        }
        Ok(dir)
    }

    /// Gives a new file or directory the owner and group of the directory `parent` that it lies in, where this process
    /// runs as root on another user's directory: that user must be able to read and replace it.
    pub(crate) fn give_owner(&self, parent: &File, new: &File) -> io::Result<()> {
        if self.superuser { owner::copy(parent, new) } else { Ok(()) }
    }

    /// Opens the file `name` of `dir` for reading and writing, made with `mode` if it is not there.
    ///
    /// Only what is made here is given away, and a file of several names is refused: as root, a planted link would
    /// hand over or overwrite somebody else's file.
    pub(crate) fn open_or_create(&self, dir: &File, name: &str, mode: Mode) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        loop {
            match rustix::fs::openat(dir, name, flags, Mode::empty()) {
                Ok(file) => return only_file(file.into()),
                Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
            match rustix::fs::openat(dir, name, flags | OFlags::CREATE | OFlags::EXCL, mode) {
                Ok(file) => {
                    let file = file.into();
                    self.give_owner(dir, &file)?;
                    return Ok(file);
                }
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn enter_or_make(&self, parent: &File, name: &str, sync: Sync) -> io::Result<File> {
        match open_component(parent, name, DIR_FLAGS) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        let made = match rustix::fs::mkdirat(parent, name, DIR_MODE) {
            Ok(()) => true,
            // Somebody else has made it just now, and may not have synced it yet: sync as if it were ours.
            Err(Errno::EXIST) => false,
            Err(error) => return Err(error.into()),
        };
        let dir = open_component(parent, name, DIR_FLAGS)?;
        if made {
            self.give_owner(parent, &dir)?;
        }
        if sync == Sync::Yes
            && let Err(error) = sync_dir(parent)
        {
            if made {
                // The next try must not take it for one that is safe already.
                rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR).ok();
            }
            return Err(error);
        }
        Ok(dir)
    }

    fn open_beneath(&self, below: &str, flags: OFlags) -> io::Result<File> {
        let below = if below.is_empty() { "." } else { below };
        let opened = match self.resolver {
            #[cfg(target_os = "linux")]
            Resolver::Kernel => kernel_open(&self.dir, below, flags),
            Resolver::Components => component_open(&self.dir, below, flags),
        };
        opened.map_err(|error| self.or_deleted(error))
    }

    /// In a deleted root everything is missing, which says nothing about the keys: then it is another error.
    pub(crate) fn or_deleted(&self, error: io::Error) -> io::Error {
        if error.kind() == io::ErrorKind::NotFound && self.is_deleted() {
            Errno::STALE.into()
        } else {
            error
        }
    }

    fn is_deleted(&self) -> bool {
        self.dir.metadata().is_ok_and(|root| root.nlink() == 0)
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Root")
            .field("path", &self.path)
            .field("resolver", &self.resolver)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sync {
    Yes,
    No,
}

impl Resolver {
    #[cfg(target_os = "linux")]
    fn probe(dir: &File) -> Self {
        // Old kernels answer ENOSYS, some sandboxes EPERM.
        if kernel_open(dir, ".", DIR_FLAGS).is_ok() { Self::Kernel } else { Self::Components }
    }

    #[cfg(not(target_os = "linux"))]
    fn probe(_dir: &File) -> Self {
        Self::Components
    }
}

fn only_file(file: File) -> io::Result<File> {
    let found = file.metadata()?;
    if !found.is_file() || found.nlink() > 1 {
        return Err(Errno::ACCESS.into());
    }
    Ok(file)
}

/// Makes the entries of a directory durable.
pub(crate) fn sync_dir(dir: &File) -> io::Result<()> {
    match dir.sync_all() {
        // Some network and user-space file systems have no fsync of directories: they write entries through.
        Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => Ok(()),
        synced => synced,
    }
}

#[cfg(target_os = "linux")]
fn kernel_open(dir: &File, below: &str, flags: OFlags) -> io::Result<File> {
    use rustix::fs::ResolveFlags;
    let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    Ok(rustix::fs::openat2(dir, below, flags, Mode::empty(), beneath)?.into())
}

fn component_open(root: &File, below: &str, flags: OFlags) -> io::Result<File> {
    let Some((parents, name)) = below.rsplit_once('/') else {
        return open_component(root, below, flags);
    };
    let mut dir: Option<File> = None;
    for parent in parents.split('/') {
        dir = Some(open_component(dir.as_ref().unwrap_or(root), parent, DIR_FLAGS)?);
    }
    open_component(dir.as_ref().unwrap_or(root), name, flags)
}

fn open_component(dir: &File, name: &str, flags: OFlags) -> io::Result<File> {
    match rustix::fs::openat(dir, name, flags | OFlags::NOFOLLOW, Mode::empty()) {
        Ok(opened) => Ok(opened.into()),
        // Where a directory is asked for, a link is told as "no directory": say what it is.
        Err(Errno::NOTDIR) if is_symlink(dir, name) => Err(Errno::LOOP.into()),
        Err(error) => Err(error.into()),
    }
}

fn is_symlink(dir: &File, name: &str) -> bool {
    rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

fn open_root(path: &Path) -> io::Result<File> {
    Ok(rustix::fs::open(path, DIR_FLAGS, Mode::empty())?.into())
}

/// Makes the root and its missing parents, each synced into the directory it lies in.
fn create_root(path: &Path, superuser: bool) -> io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|dir| !is_there(dir)).collect();
    for dir in missing.into_iter().rev() {
        let parent = open_root(parent_of(dir))?;
        let Some(name) = dir.file_name() else { continue };
        match rustix::fs::mkdirat(&parent, name, DIR_MODE) {
            // Only what we have made is given away, and no link is followed: somebody may be quicker than we are.
            Ok(()) if superuser => {
                let made =
                    rustix::fs::openat(&parent, name, DIR_FLAGS | OFlags::NOFOLLOW, Mode::empty())?;
                owner::copy(&parent, &made.into())?;
            }
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        sync_dir(&parent)?;
    }
    Ok(())
}

fn is_there(dir: &Path) -> bool {
    dir.as_os_str().is_empty() || dir.exists()
}

fn parent_of(dir: &Path) -> &Path {
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
#[path = "root_tests.rs"]
mod tests;
