//! Deleting values and whole directories, always relative to opened directories: no link leads out.

use std::fs::File;
use std::io;

use certstore_core::{Error, ErrorKind, Key, Result};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, statat, unlinkat};
use rustix::io::Errno;

use crate::entries::{Kind, entries};
use crate::error::{BACKEND, io_error, is_missing};
use crate::root::{Root, sync_dir};
use crate::temp::sweep;
use crate::write::{Demand, Writer, applied, top_of};

/// How often to empty a directory that others keep storing into.
const PASSES: usize = 100;

/// Deeper than any key; each level keeps a directory open.
const DEEPEST: usize = 600;

impl Writer<'_> {
    /// Deletes the value at `key`, or the directory with all that lies in it. `Ok` when there is neither.
    pub(crate) fn delete(&self, key: &Key) -> Result<()> {
        let Some(parent) = self.existing_parent(key)? else { return Ok(()) };
        self.remove(&parent, key.as_str(), key.name().as_bytes(), 0)?;
        // Also when nothing was there: an earlier delete may have ended before its sync.
        sync_dir(&parent).map_err(applied)
    }

    /// Deletes the value at `key` if `demand` is met; directories stay as they are.
    pub(crate) fn delete_value(&self, key: &Key, demand: &Demand<'_>) -> Result<()> {
        let Some(parent) = self.existing_parent(key)? else {
            return demand.check(self.root, key);
        };
        {
            let _token = demand.own_lock().map(|name| self.tokens.lock(name)).transpose()?;
            let _key = self.keys.lock(key.as_str())?;
            demand.check(self.root, key)?;
            match unlinkat(&parent, key.name(), AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT | Errno::ISDIR) => {}
                Err(Errno::PERM) if is_dir(&parent, key.name().as_bytes()) => {}
                Err(error) => return Err(io_error(error.into())),
            }
        }
        sync_dir(&parent).map_err(applied)
    }

    fn existing_parent(&self, key: &Key) -> Result<Option<File>> {
        match self.root.open_dir(key.parent().as_str()) {
            Ok(parent) => Ok(Some(parent)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(io_error(error)),
        }
    }

    /// Removes `name`, which lies in the opened directory `parent` and is called `path` from the root.
    fn remove(&self, parent: &File, path: &str, name: &[u8], depth: usize) -> Result<()> {
        let mut tree = None;
        for _ in 0..PASSES {
            if self.unlink(parent, path, name)? == Unlinked::Gone {
                return Ok(());
            }
            if depth == 0 && tree.is_none() {
                tree = Some(self.trees.lock(top_of(path))?);
            }
            match unlinkat(parent, name, AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOENT) => return Ok(()),
                Err(Errno::NOTEMPTY | Errno::EXIST) => self.empty(parent, path, name, depth)?,
                Err(Errno::NOTDIR) => {}
                Err(error) => return Err(io_error(error.into())),
            }
        }
        Err(Error::new(ErrorKind::Unavailable, "others keep storing into this directory; retry")
            .with_backend(BACKEND))
    }

    /// Under the stripe of the key: a conditional write that has found the value does not bring it back.
    fn unlink(&self, parent: &File, path: &str, name: &[u8]) -> Result<Unlinked> {
        let _key = self.keys.lock(path)?;
        match unlinkat(parent, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(Unlinked::Gone),
            Err(Errno::ISDIR) => Ok(Unlinked::IsDir),
            Err(Errno::PERM) if is_dir(parent, name) => Ok(Unlinked::IsDir),
            Err(error) => Err(io_error(error.into())),
        }
    }

    fn empty(&self, parent: &File, path: &str, name: &[u8], depth: usize) -> Result<()> {
        if depth >= DEEPEST {
            return Err(Error::new(
                ErrorKind::Other,
                "directories are nested too deep here; remove them by hand",
            )
            .with_backend(BACKEND));
        }
        let dir = match open_dir(parent, name) {
            Ok(dir) => dir,
            Err(error) if is_missing(&error) => return Ok(()),
            Err(error) => return Err(io_error(error)),
        };
        let inside = match names(&dir) {
            Ok(inside) => inside,
            // Removed since it was opened.
            Err(error) if is_missing(&error) => return Ok(()),
            Err(error) => return Err(io_error(error)),
        };
        for (name, _) in inside {
            let path = format!("{path}/{}", String::from_utf8_lossy(&name));
            self.remove(&dir, &path, &name, depth + 1)?;
        }
        Ok(())
    }
}

#[derive(PartialEq, Eq)]
enum Unlinked {
    Gone,
    IsDir,
}

/// Removes the directory `name` of `parent` if there is nothing in it but empty directories and old temporary files.
pub(crate) fn remove_empty_dirs(root: &Root, parent: &File, name: &[u8]) -> io::Result<()> {
    match unlinkat(parent, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
        Err(Errno::NOTEMPTY | Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let dir = open_dir(parent, name)?;
    sweep(&dir, root.clock().wall())?;
    for (name, kind) in names(&dir)? {
        if kind == Kind::Dir {
            remove_empty_dirs(root, &dir, &name)?;
        }
    }
    match unlinkat(parent, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn names(dir: &File) -> io::Result<Vec<(Vec<u8>, Kind)>> {
    let mut names = Vec::new();
    entries(dir, |name, kind| names.push((name.to_vec(), kind)))?;
    Ok(names)
}

fn open_dir(parent: &File, name: &[u8]) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(parent, name, flags, Mode::empty())?.into())
}

fn is_dir(parent: &File, name: &[u8]) -> bool {
    statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}
