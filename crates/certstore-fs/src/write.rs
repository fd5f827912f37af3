//! Storing: written whole beside its place, synced, renamed into it, and the rename synced.

use std::fs::File;
use std::io::{self, Write};

use certstore_core::{
    Condition, Dir, Error, ErrorKind, Key, Random, Result, Standing, Validity, Version,
};
use rustix::fs::fstat;
use rustix::io::Errno;

use crate::delete::remove_empty_dirs;
use crate::error::{BACKEND, io_error, tree_conflict};
use crate::list::has_value;
use crate::read::{Current, load_current};
use crate::root::{Root, sync_dir};
use crate::stripe::{StripeGuard, Stripes};
use crate::temp::{Sweeper, Temp};
use crate::version::{Record, Stamp, content_version};

/// How often to start anew when the directory is removed, or a tree of empty directories appears, in the meantime.
const ATTEMPTS: usize = 8;

/// After so many attempts, those who delete directories have to wait.
const POLITE_ATTEMPTS: usize = 3;

/// All that a write needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer<'a> {
    pub(crate) root: &'a Root,
    pub(crate) keys: &'a Stripes,
    pub(crate) tokens: &'a Stripes,
    pub(crate) trees: &'a Stripes,
    pub(crate) sweeper: &'a Sweeper,
    pub(crate) random: &'a dyn Random,
    /// Whether the file system keeps records.
    pub(crate) records: bool,
}

/// What must be so at the moment of the rename.
pub(crate) enum Demand<'a> {
    /// Nothing.
    Nothing,
    /// The condition of a conditional write.
    Condition(&'a Condition),
    /// The writer's lock is not out of date.
    Fence(&'a Fence),
}

/// A writer's lock, as far as a fenced write asks it.
pub(crate) struct Fence {
    pub(crate) stamp: Stamp,
    /// The lock's name as files know it; `None` for a guard of another lock service, whose newest token is not known here.
    pub(crate) own_lock: Option<String>,
    /// The newest token of that lock.
    pub(crate) newest_token: Box<dyn Fn() -> Result<Option<u64>> + Send + Sync>,
    /// Whether the guard is held, by the clocks alone.
    pub(crate) validity: Validity,
}

impl Writer<'_> {
    /// Stores `value` at `key` if `demand` is met, and gives the new version.
    pub(crate) fn store(&self, key: &Key, value: &[u8], demand: &Demand<'_>) -> Result<Version> {
        let stamp = match demand {
            Demand::Fence(fence) => Some(fence.stamp),
            Demand::Nothing | Demand::Condition(_) => None,
        };
        for attempt in 0..ATTEMPTS {
            let _tree = self.hold_tree(attempt, key.as_str())?;
            // Before writing anything: a write that is refused leaves no trace, and costs no sync.
            demand.check(self.root, key)?;
            match self.attempt(key, value, stamp, demand)? {
                Attempt::Stored(version) => return Ok(version),
                Attempt::DirVanished => {}
                Attempt::DirInTheWay => self.clear_empty_dirs(key)?,
            }
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            "others keep removing or making the directory of this key; retry",
        )
        .with_backend(BACKEND))
    }

    /// Writes the file `name` of `dir`, which is no key, as atomically and durably as a value.
    pub(crate) fn write_beside(
        &self,
        dir: &Dir,
        name: &str,
        bytes: &[u8],
        fence: Option<&Fence>,
    ) -> Result<()> {
        for attempt in 0..ATTEMPTS {
            let _tree = self.hold_tree(attempt, dir.as_str())?;
            let Some(parent) = self.parent(dir)? else { continue };
            let Some((mut temp, _)) = self.write_temp(&parent, name, bytes, None)? else {
                continue;
            };
            let _token = match fence.and_then(|fence| fence.own_lock.as_deref()) {
                Some(lock) => Some(self.tokens.lock(lock)?),
                None => None,
            };
            fence.map(Fence::check_holder).transpose()?;
            match temp.rename(name) {
                Ok(()) => return sync_dir(&parent).map_err(applied),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(io_error(error)),
            }
        }
        Err(Error::new(ErrorKind::Unavailable, "others keep removing this directory; retry")
            .with_backend(BACKEND))
    }

    fn attempt(
        &self,
        key: &Key,
        value: &[u8],
        stamp: Option<Stamp>,
        demand: &Demand<'_>,
    ) -> Result<Attempt> {
        let dir = key.parent();
        let Some(parent) = self.parent(&dir)? else { return Ok(Attempt::DirVanished) };
        self.sweeper.sweep_if_due(self.root, dir.as_str(), &parent);
        let Some((mut temp, version)) = self.write_temp(&parent, key.name(), value, stamp)? else {
            return Ok(Attempt::DirVanished);
        };
        let renamed = {
            let _token = demand.own_lock().map(|name| self.tokens.lock(name)).transpose()?;
            let _key = self.keys.lock(key.as_str())?;
            demand.check(self.root, key)?;
            temp.rename(key.name())
        };
        match renamed.map_err(|error| (Errno::from_io_error(&error), error)) {
            Ok(()) => {}
            Err((Some(Errno::NOENT), _)) => return Ok(Attempt::DirVanished),
            Err((Some(Errno::ISDIR | Errno::NOTEMPTY | Errno::EXIST), _)) => {
                return Ok(Attempt::DirInTheWay);
            }
            Err((_, error)) => return Err(io_error(error)),
        }
        sync_dir(&parent).map_err(applied)?;
        Ok(Attempt::Stored(version))
    }

    /// Keeps others from deleting directories, from the attempt on that is not the first to fail.
    fn hold_tree(&self, attempt: usize, path: &str) -> Result<Option<StripeGuard<'_>>> {
        (attempt >= POLITE_ATTEMPTS).then(|| self.trees.lock(top_of(path))).transpose()
    }

    /// The opened directory, made if need be; `None` when it was removed meanwhile.
    fn parent(&self, dir: &Dir) -> Result<Option<File>> {
        match self.root.make_dirs(dir.as_str()) {
            Ok(parent) => Ok(Some(parent)),
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::NOENT) => Ok(None),
                Some(Errno::NOTDIR) => Err(tree_conflict(
                    "a value lies where a directory of this key would be; delete it first",
                )),
                _ => Err(io_error(error)),
            },
        }
    }

    /// The value in a temporary file, synced, and its version; `None` when the directory was removed.
    fn write_temp<'d>(
        &self,
        parent: &'d File,
        name: &str,
        value: &[u8],
        stamp: Option<Stamp>,
    ) -> Result<Option<(Temp<'d>, Version)>> {
        let temp = match Temp::create(self.root, parent, name, self.random) {
            Ok(temp) => temp,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(error)),
        };
        let version = self.fill(temp.file(), value, stamp).map_err(io_error)?;
        Ok(Some((temp, version)))
    }

    fn fill(&self, mut file: &File, value: &[u8], stamp: Option<Stamp>) -> io::Result<Version> {
        file.write_all(value)?;
        let version = if self.records {
            let record = Record::new(self.random.next_u128() as u64, value, &fstat(file)?, stamp);
            record.attach(file)?;
            record.version()
        } else {
            content_version(value)
        };
        // Once: after a failure the kernel takes the pages for clean, and a second fsync would lie.
        file.sync_all()?;
        Ok(version)
    }

    fn clear_empty_dirs(&self, key: &Key) -> Result<()> {
        if has_value(self.root, &Dir::from(key))? {
            return Err(tree_conflict("values lie below this key; delete them first"));
        }
        let removed = self
            .root
            .open_dir(key.parent().as_str())
            .and_then(|parent| remove_empty_dirs(self.root, &parent, key.name().as_bytes()));
        removed.or_else(|error| match Errno::from_io_error(&error) {
            Some(Errno::NOENT) => Ok(()),
            Some(Errno::NOTEMPTY | Errno::EXIST) => Err(tree_conflict(
                "a directory lies here with files that are no keys, or somebody stores below it now",
            )),
            _ => Err(io_error(error)),
        })
    }
}

/// The first component: who deletes a directory and who stores below it take the same stripe.
pub(crate) fn top_of(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

enum Attempt {
    Stored(Version),
    DirVanished,
    DirInTheWay,
}

impl Demand<'_> {
    /// The lock whose token must not be raised between check and rename.
    pub(crate) fn own_lock(&self) -> Option<&str> {
        match self {
            Self::Fence(fence) => fence.own_lock.as_deref(),
            Self::Nothing | Self::Condition(_) => None,
        }
    }

    /// Whether the write is allowed. Binding only under the key's stripe.
    pub(crate) fn check(&self, root: &Root, key: &Key) -> Result<()> {
        match self {
            Self::Nothing => Ok(()),
            Self::Condition(condition) => {
                check_condition(condition, load_current(root, key.as_str())?.as_ref())
            }
            Self::Fence(fence) => fence.check(load_current(root, key.as_str())?.as_ref()),
        }
    }
}

impl Fence {
    pub(crate) fn check(&self, current: Option<&Current>) -> Result<()> {
        self.check_held()?;
        let written = current.and_then(|current| current.stamp);
        if written.is_some_and(|written| {
            written.lock == self.stamp.lock && written.token > self.stamp.token
        }) {
            return Err(fenced(
                "a newer holder of the lock has written this key; stop what this lock protected",
            ));
        }
        self.check_newest()
    }

    /// Whether the guard is of the newest holder, as far as is known.
    fn check_holder(&self) -> Result<()> {
        self.check_held()?;
        self.check_newest()
    }

    fn check_newest(&self) -> Result<()> {
        let newest = (self.newest_token)()?;
        if newest.is_some_and(|newest| newest > self.stamp.token) {
            return Err(fenced(
                "a newer holder has acquired the lock; stop what this lock protected",
            ));
        }
        Ok(())
    }

    fn check_held(&self) -> Result<()> {
        match self.validity.standing() {
            Standing::Lost(reason) => Err(Error::new(
                ErrorKind::LockLost,
                format!("the lock is lost: {reason}; stop what it protected"),
            )
            .with_backend(BACKEND)),
            Standing::Unproven => Err(Error::new(
                ErrorKind::Unavailable,
                "the last proof that the lock is still held is too old; retry shortly",
            )
            .with_backend(BACKEND)),
            _ => Ok(()),
        }
    }
}

fn check_condition(condition: &Condition, current: Option<&Current>) -> Result<()> {
    let failed = match (condition, current) {
        (Condition::Absent, None) => return Ok(()),
        (Condition::Absent, Some(_)) => "a value exists already",
        (Condition::Version(wanted), Some(current)) if *wanted == current.version => return Ok(()),
        (Condition::Version(_), Some(_)) => {
            "the value has another version; somebody else has written it: load it again"
        }
        (Condition::Version(_), None) => "there is no value any more; somebody else has deleted it",
        _ => "this condition is not known here",
    };
    Err(Error::new(ErrorKind::Conflict, failed).with_backend(BACKEND))
}

fn fenced(message: &'static str) -> Error {
    Error::new(ErrorKind::Fenced, message).with_backend(BACKEND)
}

/// The error of a write that is in its place, but may not survive a power cut.
pub(crate) fn applied(error: io::Error) -> Error {
    io_error(error).with_may_have_applied(true)
}
