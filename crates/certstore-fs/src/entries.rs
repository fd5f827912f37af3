//! Reading a directory without asking for each file.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;

use certstore_core::{Dir, Key, RESERVED};
#[cfg(target_os = "linux")]
use rustix::fs::SeekFrom;
use rustix::fs::{AtFlags, FileType, statat};
use rustix::io::Errno;

use crate::bundle::JOURNAL;
use crate::temp::is_temp;

/// What an entry of a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A link, a pipe, a device.
    Other,
}

/// What an entry means to this storage.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A value.
    Value(Key),
    /// A directory that may hold values.
    Dir(Key),
    /// A lock record, a journal or a temporary file: never shown.
    Ours,
    /// Somebody else's: no valid key, or no file and no directory.
    Foreign,
}

/// Tells what the entries of one directory mean.
#[derive(Debug)]
pub(crate) struct Names {
    /// The directory's path with a slash behind it, and room for a name.
    path: String,
    dir: usize,
}

impl Names {
    /// For the entries of `dir`.
    pub(crate) fn of(dir: &Dir) -> Self {
        let mut path = dir.as_str().to_owned();
        if !dir.is_root() {
            path.push('/');
        }
        Self { dir: path.len(), path }
    }

    /// The length of what all keys of the directory begin with.
    pub(crate) fn common(&self) -> usize {
        self.dir
    }

    /// What the entry `name` means.
    pub(crate) fn meaning(&mut self, name: &[u8], kind: Kind) -> Meaning {
        let Ok(name) = std::str::from_utf8(name) else { return Meaning::Foreign };
        if is_ours(name) || self.dir == 0 && name == RESERVED {
            return Meaning::Ours;
        }
        self.path.truncate(self.dir);
        self.path.push_str(name);
        match (kind, Key::new(&self.path)) {
            (Kind::File, Ok(key)) => Meaning::Value(key),
            (Kind::Dir, Ok(key)) => Meaning::Dir(key),
            _ => Meaning::Foreign,
        }
    }

    /// The entry's name with its directory, as people read it.
    pub(crate) fn shown(&self, name: &[u8]) -> String {
        format!("{}{}", &self.path[..self.dir], String::from_utf8_lossy(name))
    }
}

fn is_ours(name: &str) -> bool {
    name.starts_with('.') && (is_temp(name) || name == JOURNAL)
}

/// Calls `each` with every entry but `.` and `..`, in the order of the file system.
pub(crate) fn entries(dir: &File, mut each: impl FnMut(&[u8], Kind)) -> io::Result<()> {
    let all = read(dir, 32 * 1024, |name, kind| {
        each(name, kind);
        ControlFlow::<()>::Continue(())
    });
    all.map(|_| ())
}

/// As [`entries`], until `each` breaks; made for looking at the first few.
pub(crate) fn first_entries<T>(
    dir: &File,
    each: impl FnMut(&[u8], Kind) -> ControlFlow<T>,
) -> io::Result<Option<T>> {
    read(dir, 4 * 1024, each)
}

#[cfg(target_os = "linux")]
fn read<T>(
    dir: &File,
    buffer: usize,
    mut each: impl FnMut(&[u8], Kind) -> ControlFlow<T>,
) -> io::Result<Option<T>> {
    // The position belongs to the descriptor: somebody may have read from it before.
    rustix::fs::seek(dir, SeekFrom::Start(0))?;
    let mut space = Vec::with_capacity(buffer);
    let mut raw = rustix::fs::RawDir::new(dir, space.spare_capacity_mut());
    while let Some(entry) = raw.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if let ControlFlow::Break(found) = visit(dir, name, entry.file_type(), &mut each) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

#[cfg(not(target_os = "linux"))]
fn read<T>(
    dir: &File,
    _buffer: usize,
    mut each: impl FnMut(&[u8], Kind) -> ControlFlow<T>,
) -> io::Result<Option<T>> {
    for entry in rustix::fs::Dir::read_from(dir)? {
        let entry = entry?;
        if let ControlFlow::Break(found) =
            visit(dir, entry.file_name().to_bytes(), entry.file_type(), &mut each)
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn visit<T>(
    dir: &File,
    name: &[u8],
    file_type: FileType,
    each: &mut impl FnMut(&[u8], Kind) -> ControlFlow<T>,
) -> ControlFlow<T> {
    if name == b"." || name == b".." {
        return ControlFlow::Continue(());
    }
    each(name, kind(dir, name, file_type))
}

fn kind(dir: &File, name: &[u8], file_type: FileType) -> Kind {
    match file_type {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Dir,
        // Some file systems tell no type with the name. What vanished meanwhile is left out like anything else.
        FileType::Unknown => kind_of(dir, name).ok().flatten().unwrap_or(Kind::Other),
        _ => Kind::Other,
    }
}

/// What `name` is in `dir`; `None` when it is not there.
pub(crate) fn kind_of(dir: &File, name: &[u8]) -> io::Result<Option<Kind>> {
    match statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Dir,
            _ => Kind::Other,
        })),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
