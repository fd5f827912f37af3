//! Temporary files: a value is written whole beside its place and renamed into it.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use certstore_core::Random;
use rustix::fs::{AtFlags, OFlags, statat, unlinkat};

use crate::entries::{Kind, entries};
use crate::root::{FILE_MODE, Root};

/// A temporary file this old belongs to nobody any more.
const STALE: Duration = Duration::from_secs(3600);

/// How many directories to remember as swept.
const REMEMBERED: usize = 4096;

/// As much of the value's name as a temporary one shows; with the rest it stays below 255 bytes.
const SHOWN: usize = 100;

/// A file that is being written, removed when dropped before it was renamed.
#[derive(Debug)]
pub(crate) struct Temp<'a> {
    dir: &'a File,
    name: String,
    file: File,
    renamed: bool,
}

impl<'a> Temp<'a> {
    /// Creates one in `dir` for the value called `name`, readable by its owner alone from the start.
    pub(crate) fn create(
        root: &Root,
        dir: &'a File,
        name: &str,
        random: &dyn Random,
    ) -> io::Result<Self> {
        let name = temp_name(name, std::process::id(), random.next_u128() as u64);
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(dir, &name, flags, FILE_MODE)?.into();
        let temp = Self { dir, name, file, renamed: false };
        root.give_owner(dir, &temp.file)?;
        Ok(temp)
    }

    /// The open file.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Puts it in the place of `name`, at once for every reader.
    pub(crate) fn rename(&mut self, name: &str) -> io::Result<()> {
        rustix::fs::renameat(self.dir, &self.name, self.dir, name)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Temp<'_> {
    fn drop(&mut self) {
        if !self.renamed {
            // What cannot be removed now is swept later.
            let _ = unlinkat(self.dir, &self.name, AtFlags::empty());
        }
    }
}

/// Removes what dead processes left behind, at most once an hour for each directory.
#[derive(Debug, Default)]
pub(crate) struct Sweeper {
    swept: Mutex<HashMap<String, Duration>>,
}

impl Sweeper {
    /// Sweeps the directory that is opened as `dir` and called `path`, if it is time. What fails is left for next time.
    pub(crate) fn sweep_if_due(&self, root: &Root, path: &str, dir: &File) {
        let now = root.clock().monotonic();
        {
            let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
            match swept.get_mut(path) {
                Some(last) if now.saturating_sub(*last) < STALE => return,
                Some(last) => *last = now,
                None => {
                    if swept.len() >= REMEMBERED {
                        swept.clear();
                    }
                    swept.insert(path.to_owned(), now);
                }
            }
        }
        match sweep(dir, root.clock().wall()) {
            Ok(0) => {}
            Ok(count) => {
                tracing::info!(dir = path, count, "removed temporary files that were left behind");
            }
            Err(error) => tracing::debug!(dir = path, %error, "temporary files could not be swept"),
        }
    }
}

/// Removes the temporary files in `dir` that are an hour away from `now`, and tells how many. One that is removed under
/// its writer, because a clock jumped, is written again.
pub(crate) fn sweep(dir: &File, now: SystemTime) -> io::Result<usize> {
    let mut found = Vec::new();
    entries(dir, |name, kind| {
        if let Ok(name) = std::str::from_utf8(name)
            && kind == Kind::File
            && is_temp(name)
        {
            found.push(name.to_owned());
        }
    })?;
    let mut removed = 0;
    for name in found {
        let Ok(stat) = statat(dir, &name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
        let written = crate::read::modified(&stat);
        let apart = now.duration_since(written).unwrap_or_else(|ahead| ahead.duration());
        if apart > STALE && unlinkat(dir, &name, AtFlags::empty()).is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}

/// Whether `name` is one that [`Temp::create`] gives: nobody else's file is taken for ours.
pub(crate) fn is_temp(name: &str) -> bool {
    let Some(inner) = name.strip_prefix('.').and_then(|rest| rest.strip_suffix(".tmp")) else {
        return false;
    };
    let Some((_, unique)) = inner.rsplit_once('~') else { return false };
    let Some((pid, nonce)) = unique.split_once('-') else { return false };
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    !pid.is_empty() && pid.len() <= 8 && hex(pid) && nonce.len() == 16 && hex(nonce)
}

/// `~` stands in no key, so no temporary name is ever taken for one.
fn temp_name(name: &str, pid: u32, nonce: u64) -> String {
    let shown = &name[..name.len().min(SHOWN)];
    format!(".{shown}~{pid:x}-{nonce:016x}.tmp")
}

#[cfg(test)]
#[path = "temp_tests.rs"]
mod tests;
