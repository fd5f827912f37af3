//! Reading values: load, exists and stat.

use std::fs::File;
use std::io;
use std::time::{Duration, SystemTime};

use certstore_core::{Dir, Error, Key, KeyInfo, Result, Version};
use rustix::buffer::spare_capacity;
use rustix::fs::{FileType, Stat, fstat};

use crate::error::{foreign_error, io_error, is_missing};
use crate::list::has_value;
use crate::root::Root;
use crate::version::{Record, Stamp, content_version};

/// A value as it was read, with what is known of the write that it comes from.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) value: Vec<u8>,
    pub(crate) version: Version,
    pub(crate) stamp: Option<Stamp>,
}

/// The bytes at `path`; `None` when no value is there.
pub(crate) fn load(root: &Root, path: &str) -> Result<Option<Vec<u8>>> {
    let Some((file, stat)) = open_value(root, path)? else { return Ok(None) };
    read_all(&file, &stat).map(Some).map_err(io_error)
}

/// The bytes at `path` with their version and stamp; all of one write, unless another program rewrites in place.
pub(crate) fn load_current(root: &Root, path: &str) -> Result<Option<Current>> {
    let Some((file, _)) = open_value(root, path)? else { return Ok(None) };
    current(&file).map(Some).map_err(io_error)
}

/// Whether a value or a directory is at `key`.
pub(crate) fn exists(root: &Root, key: &Key) -> Result<bool> {
    match file_type(root, key)? {
        None => Ok(false),
        Some((FileType::RegularFile, _)) => Ok(true),
        Some((FileType::Directory, _)) => has_value(root, &Dir::from(key)),
        Some(_) => Err(foreign_error()),
    }
}

/// What is known of `key`; the value is read only where nothing else tells its version.
pub(crate) fn stat(root: &Root, key: &Key) -> Result<KeyInfo> {
    if let Some((file, stat)) = open_value(root, key.as_str())? {
        return file_info(&file, &stat, key).map_err(io_error);
    }
    match file_type(root, key)? {
        Some((FileType::Directory, stat)) if has_value(root, &Dir::from(key))? => {
            Ok(KeyInfo::directory(key.clone()).with_modified(modified(&stat)))
        }
        _ => Err(Error::not_found()),
    }
}

/// When the file was last written.
pub(crate) fn modified(stat: &Stat) -> SystemTime {
    let nanos = Duration::new(0, nanoseconds(stat));
    let seconds = Duration::from_secs(stat.st_mtime.unsigned_abs());
    let whole = if stat.st_mtime < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(seconds)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(seconds)
    };
    whole.and_then(|whole| whole.checked_add(nanos)).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The part of the time of modification below a second. Systems differ in its type.
pub(crate) fn nanoseconds(stat: &Stat) -> u32 {
    u32::try_from(stat.st_mtime_nsec).unwrap_or(0)
}

fn open_value(root: &Root, path: &str) -> Result<Option<(File, Stat)>> {
    let file = match root.open_file(path) {
        Ok(file) => file,
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(open_failure(root, path, error)),
    };
    let stat = fstat(&file).map_err(|error| io_error(error.into()))?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(Some((file, stat))),
        FileType::Directory => Ok(None),
        _ => Err(foreign_error()),
    }
}

/// A link or a socket in the place of a value cannot be opened, each with an error of its own.
fn open_failure(root: &Root, path: &str, error: io::Error) -> Error {
    match root.stat(path).map(|stat| FileType::from_raw_mode(stat.st_mode)) {
        Ok(FileType::RegularFile | FileType::Directory) | Err(_) => io_error(error),
        Ok(_) => foreign_error(),
    }
}

fn file_type(root: &Root, key: &Key) -> Result<Option<(FileType, Stat)>> {
    match root.stat(key.as_str()) {
        Ok(stat) => Ok(Some((FileType::from_raw_mode(stat.st_mode), stat))),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(io_error(error)),
    }
}

fn current(file: &File) -> io::Result<Current> {
    let record = Record::of(file)?;
    let value = read_all(file, &fstat(file)?)?;
    // Asked for after reading: a rewrite in place during the read shows in size or time.
    let stat = fstat(file)?;
    let record = record.filter(|record| record.fits_value(&stat, &value));
    let version = record.as_ref().map_or_else(|| content_version(&value), Record::version);
    Ok(Current { value, version, stamp: record.and_then(|record| record.stamp) })
}

fn file_info(file: &File, stat: &Stat, key: &Key) -> io::Result<KeyInfo> {
    let version = match Record::of(file)? {
        Some(record) if record.fits(stat) => record.version(),
        _ => content_version(&read_all(file, stat)?),
    };
    Ok(KeyInfo::file(key.clone())
        .with_size(u64::try_from(stat.st_size).unwrap_or(0))
        .with_modified(modified(stat))
        .with_version(version))
}

/// Reads to the end, in one call where the size is as announced.
fn read_all(file: &File, stat: &Stat) -> io::Result<Vec<u8>> {
    let expected = usize::try_from(stat.st_size).unwrap_or(0);
    // One byte more than expected: a read that leaves it free has met the end.
    let mut bytes = Vec::with_capacity(expected + 1);
    loop {
        if bytes.len() == bytes.capacity() {
            bytes.reserve(bytes.len().max(4096));
        }
        match rustix::io::read(file, spare_capacity(&mut bytes)) {
            Ok(0) => return Ok(bytes),
            Ok(_) if bytes.len() == expected => return Ok(bytes),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
