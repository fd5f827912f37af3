//! Striped file locks: writers of one key exclude each other, across tasks and processes, for the moment between a
//! check and the rename that depends on it.
//!
//! A stripe is an empty file in `locks/` that is never deleted; the kernel frees its lock when the holder dies. It costs
//! no fsync.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError as SlotError};
use std::time::{Duration, Instant};

use certstore_core::{Error, ErrorKind, Result};
use ring::digest::{SHA256, digest};

use crate::error::{BACKEND, io_error};
use crate::root::{FILE_MODE, Root};

/// How long to wait for a stripe. It is held for microseconds, so a longer wait means a stopped process.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same for stripes that are held over several syncs.
const LONG_PATIENCE: Duration = Duration::from_secs(60);

const LONGEST_PAUSE: Duration = Duration::from_millis(5);

/// One set of striped locks.
#[derive(Debug)]
pub(crate) struct Stripes {
    root: Arc<Root>,
    /// What their file names begin with; processes that exclude each other use the same.
    prefix: &'static str,
    patience: Duration,
    /// Each is an open file, so there are few.
    slots: Vec<Mutex<Option<File>>>,
}

impl Stripes {
    /// The set that writers of keys take.
    pub(crate) fn of_keys(root: Arc<Root>) -> Self {
        Self::new(root, ".stripe-", 32, PATIENCE)
    }

    /// The set that guards the tokens of lock names: held while a token is raised, and while a fenced write compares
    /// and renames, so that no write of an older holder lands after a newer one has acquired.
    pub(crate) fn of_tokens(root: Arc<Root>) -> Self {
        Self::new(root, ".fence-", 16, PATIENCE)
    }

    /// The set that deletes of directories take, by the first component of the key; and stores whose directory was removed
    /// again and again, so that they get through in the end.
    pub(crate) fn of_trees(root: Arc<Root>) -> Self {
        Self::new(root, ".tree-", 4, LONG_PATIENCE)
    }

    /// The set that writers of bundles take, by directory, for the whole bundle.
    pub(crate) fn of_bundles(root: Arc<Root>) -> Self {
        Self::new(root, ".bundle-", 16, LONG_PATIENCE)
    }

    /// The `count` of a set never changes: processes of different versions exclude each other too.
    fn new(root: Arc<Root>, prefix: &'static str, count: usize, patience: Duration) -> Self {
        let slots = std::iter::repeat_with(|| Mutex::new(None)).take(count).collect();
        Self { root, prefix, patience, slots }
    }

    /// The same in every process and every version of this crate.
    fn index_of(&self, name: &str) -> usize {
        usize::from(digest(&SHA256, name.as_bytes()).as_ref()[0]) % self.slots.len()
    }

    /// Takes the stripe of `name`. Blocks the thread, for a limited time.
    pub(crate) fn lock(&self, name: &str) -> Result<StripeGuard<'_>> {
        let started = Instant::now();
        let index = self.index_of(name);
        // The kernel's lock belongs to the open file, which the tasks of this process share: they exclude each other here.
        let mut slot = self.slots[index].lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let file = match &mut *slot {
                Some(file) => file,
                empty => empty.insert(self.open(index).map_err(io_error)?),
            };
            self.acquire(file, started, index)?;
            // Whoever deleted the file has split the lock: those who come later lock another file of that name.
            if file.metadata().map_err(io_error)?.nlink() > 0 {
                return Ok(StripeGuard(slot));
            }
            *slot = None;
        }
    }

    /// Takes the stripe of `name` if it is free. Never blocks.
    pub(crate) fn try_lock(&self, name: &str) -> Result<Option<StripeGuard<'_>>> {
        let index = self.index_of(name);
        let mut slot = match self.slots[index].try_lock() {
            Ok(slot) => slot,
            Err(SlotError::Poisoned(slot)) => slot.into_inner(),
            Err(SlotError::WouldBlock) => return Ok(None),
        };
        loop {
            let file = match &mut *slot {
                Some(file) => file,
                empty => empty.insert(self.open(index).map_err(io_error)?),
            };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(io_error(error)),
            }
            if file.metadata().map_err(io_error)?.nlink() > 0 {
                return Ok(Some(StripeGuard(slot)));
            }
            *slot = None;
        }
    }

    fn open(&self, index: usize) -> io::Result<File> {
        let locks = self.root.locks_dir()?;
        self.root.open_or_create(&locks, &self.file_name(index), FILE_MODE)
    }

    fn acquire(&self, file: &File, started: Instant, index: usize) -> Result<()> {
        let mut pause = Duration::from_micros(20);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::Error(error)) => return Err(io_error(error)),
                Err(TryLockError::WouldBlock) => {}
            }
            if started.elapsed() >= self.patience {
                return Err(self.stuck(index));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn stuck(&self, index: usize) -> Error {
        let file = self.root.path().join(certstore_core::RESERVED).join(self.file_name(index));
        Error::new(
            ErrorKind::Unavailable,
            format!(
                "another process stopped in the middle of a write and holds {}; resume or end it (fuser names it)",
                file.display()
            ),
        )
        .with_backend(BACKEND)
    }

    fn file_name(&self, index: usize) -> String {
        format!("{}{index:02}", self.prefix)
    }
}

/// A stripe that is held, until it is dropped.
#[derive(Debug)]
#[must_use = "the stripe is free again once this is dropped"]
pub(crate) struct StripeGuard<'a>(MutexGuard<'a, Option<File>>);

impl Drop for StripeGuard<'_> {
    fn drop(&mut self) {
        // Not by closing: a child between fork and exec shares the open file, and with it the lock.
        if let Some(Err(_)) = self.0.as_ref().map(File::unlock) {
            *self.0 = None;
        }
    }
}

#[cfg(test)]
#[path = "stripe_tests.rs"]
mod tests;
