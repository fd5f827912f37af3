//! Reading a directory that others rename files into at the same time.
//!
//! On some file systems (tmpfs) a rename moves an entry to another place of the directory, so one pass over it can miss an
//! entry that was there all the time, or see it twice. A directory that has changed since just before the pass is
//! therefore read again, and what only some passes saw is asked for by name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::time::{Duration, SystemTime};

use rustix::fs::{Mode, OFlags, openat};

use crate::entries::{Kind, entries, kind_of};

/// The kernel's clock for files may lag behind by a tick, 10 ms at most.
const TICK: Duration = Duration::from_millis(20);

/// So many passes in a row must have brought nothing new.
const CALM: usize = 2;

/// How often to read a directory that does not come to rest.
const PASSES: usize = 10;

/// Whether `dir` has not changed since a moment before `start`: then the pass that began at `start` saw each entry once.
pub(crate) fn is_quiet(dir: &File, start: SystemTime) -> io::Result<bool> {
    let modified = dir.metadata()?.modified()?;
    Ok(modified.checked_add(TICK).is_some_and(|settled| settled < start))
}

/// The entries of a changing directory, each once. An entry that was there all the time is left out only if every pass
/// missed it, the last two with nothing else new.
pub(crate) fn changing_entries(dir: &File) -> io::Result<BTreeMap<Vec<u8>, Kind>> {
    let mut seen: BTreeMap<Vec<u8>, (Kind, usize)> = BTreeMap::new();
    let (mut pass, mut calm) = (0, 0);
    while pass < PASSES && calm < CALM {
        pass += 1;
        let before = seen.len();
        // Opened anew: where the end of a directory is, some file systems note when it is opened.
        let again =
            openat(dir, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        entries(&again.into(), |name, kind| match seen.get_mut(name) {
            Some(known) => *known = (kind, pass),
            None => drop(seen.insert(name.to_vec(), (kind, pass))),
        })?;
        calm = if seen.len() == before { calm + 1 } else { 0 };
    }
    let last = pass;
    let mut found = BTreeMap::new();
    for (name, (kind, pass)) in seen {
        // Not seen by the last pass: missed, or gone.
        let kind = if pass == last { Some(kind) } else { kind_of(dir, &name)? };
        found.extend(kind.map(|kind| (name, kind)));
    }
    Ok(found)
}

#[cfg(test)]
#[path = "stable_tests.rs"]
mod tests;
