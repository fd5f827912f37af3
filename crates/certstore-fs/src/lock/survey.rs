//! Who holds which locks.

use std::io;

use certstore_core::{Error, ErrorKind, FencingToken, LockInfo, Result};
use rustix::io::Errno;

use super::body::{Body, Stamps, parse_rfc3339};
use super::dir::LocksDir;
use super::guard_file::{GuardFile, Reading, Record};
use super::names::Names;
use super::shared::Shared;
use crate::error::{BACKEND, io_error};

/// How often a record that does not add up is read again: it may be in the middle of being written.
const READS: u32 = 3;

/// Whose a lock is at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holder {
    /// A living certstore process.
    Alive(Record),
    /// A certstore process that has died, or is at this moment taking or giving back the lock.
    Dead(FencingToken),
    /// A Go process, living or not; or nobody.
    Other,
}

/// The locks that have a lock file, by name.
pub(super) fn locks(shared: &Shared) -> Result<Vec<LockInfo>> {
    let mut locks = try_locks(shared).map_err(io_error)?;
    locks.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(locks)
}

fn try_locks(shared: &Shared) -> io::Result<Vec<LockInfo>> {
    let Some(dir) = LocksDir::open_if_made(&shared.root)? else { return Ok(Vec::new()) };
    let mut locks = Vec::new();
    for names in dir.list()?.iter().filter_map(|file| Names::of_lock_file(file)) {
        let found = match dir.read(&names.lock) {
            Ok(Some(found)) => found,
            // Given back since the directory was read.
            Ok(None) => continue,
            Err(error) if is_odd(&error) => {
                tracing::warn!(file = %names.lock, %error, "left out: this is no lock file");
                continue;
            }
            Err(error) => return Err(error),
        };
        let body = Body::parse(&found.bytes);
        let holder = holder(&dir, &names, &body)?;
        if dir.inode(&names.lock)?.is_some() {
            locks.push(info(&names, &body, holder));
        }
    }
    Ok(locks)
}

/// Whose the lock is whose lock file says `body`. A look at the guard file tells the living from the dead.
pub(super) fn holder(dir: &LocksDir, names: &Names, body: &Body) -> io::Result<Holder> {
    let guard = GuardFile::open_existing(dir, names)?;
    if let Some(guard) = guard
        && guard.is_locked_by_other()?
        && let Reading::Record(record) = read(&guard)?
        && record.held
    {
        return Ok(Holder::Alive(record));
    }
    Ok(body.token().map_or(Holder::Other, Holder::Dead))
}

/// Whether the fault lies in this one file: a link, a directory, a pipe, somebody else's.
fn is_odd(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, IsADirectory, Other, PermissionDenied};
    let odd = [InvalidData, InvalidInput, IsADirectory, Other, PermissionDenied];
    matches!(Errno::from_io_error(error), Some(Errno::LOOP | Errno::NXIO))
        || odd.contains(&error.kind()) && Errno::from_io_error(error) != Some(Errno::MFILE)
}

fn info(names: &Names, body: &Body, holder: Holder) -> LockInfo {
    let mut info = LockInfo::new(&*names.stem);
    if let Body::Stamps(Stamps { created, updated, .. }) = body {
        (info.since, info.renewed) = (*created, updated.or(*created));
    }
    match holder {
        Holder::Alive(record) => {
            info.token = Some(FencingToken(record.token));
            info.since = parse_rfc3339(&record.since).or(info.since);
            info.holder = Some(record.holder());
            info.alive = Some(true);
        }
        Holder::Dead(token) => (info.token, info.alive) = (Some(token), Some(false)),
        Holder::Other => {}
    }
    info
}

/// The newest token that a certstore process has taken for the lock; `None` when none ever did.
pub(super) fn newest_token(shared: &Shared, names: &Names) -> Result<Option<FencingToken>> {
    match try_newest(shared, names).map_err(io_error)? {
        None | Some(Reading::Nothing) => Ok(None),
        Some(Reading::Record(record)) => Ok(Some(FencingToken(record.token))),
        Some(Reading::Damaged) => Err(Error::new(
            ErrorKind::Corrupt,
            "the guard file of the lock is damaged; take the lock once more, which writes it anew",
        )
        .with_backend(BACKEND)),
    }
}

fn try_newest(shared: &Shared, names: &Names) -> io::Result<Option<Reading>> {
    let Some(dir) = LocksDir::open_if_made(&shared.root)? else { return Ok(None) };
    GuardFile::open_existing(&dir, names)?.map(|guard| read(&guard)).transpose()
}

/// Reads a record that a holder may be writing.
fn read(guard: &GuardFile) -> io::Result<Reading> {
    let mut reading = guard.read()?;
    for _ in 1..READS {
        if reading != Reading::Damaged {
            break;
        }
        reading = guard.read()?;
    }
    Ok(reading)
}
