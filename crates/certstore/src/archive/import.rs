//! Taking an archive in.

use std::io::{Read, Seek};

use certstore_core::{Cas, Condition, Error, ErrorKind, Key, Result, Storage};
use serde::Serialize;

use super::check::{Checker, Standing, standing};
use super::read::{Entries, Entry, Limits};

/// How [`import`] takes an archive in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ImportOptions {
    /// Whether to look only: everything is read and compared, nothing is written.
    pub dry_run: bool,
    /// Whether values that are stored already with other bytes are written over; without it they are an error.
    pub overwrite: bool,
    /// The largest value in bytes; 16 MiB by default.
    pub max_value: u64,
    /// The most bytes in all values; 4 GiB by default.
    pub max_total: u64,
    /// The most entries; a million by default. Their names are kept in memory.
    pub max_entries: u64,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            dry_run: false,
            overwrite: false,
            max_value: 16 << 20,
            max_total: 4 << 30,
            max_entries: 1_000_000,
        }
    }
}

/// What an import did, or with `dry_run` would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ImportReport {
    /// Values written to keys that had none.
    pub imported: u64,
    /// Values written over others.
    pub overwritten: u64,
    /// Values that were there already, byte for byte.
    pub unchanged: u64,
    /// Bytes in the values that were written.
    pub bytes: u64,
    /// Lock records in the archive, which are left out.
    pub locks: u64,
    /// Whether nothing was written.
    pub dry_run: bool,
}

impl ImportReport {
    pub(super) fn count(&mut self, standing: Standing, bytes: u64) {
        match standing {
            Standing::New => self.imported += 1,
            Standing::Different => self.overwritten += 1,
            Standing::Unchanged => self.unchanged += 1,
        }
        if standing != Standing::Unchanged {
            self.bytes += bytes;
        }
    }

    fn written(&self) -> u64 {
        self.imported + self.overwritten
    }
}

/// Stores every value of a tar archive under its name, as `caddy storage export` and [`export`](super::export) write it.
///
/// The archive is read twice: first all of it is checked, then it is written, each value read back. So nothing is written
/// of an archive that is cut short, that has names which are no valid keys, entries that are no plain files, values over
/// the limits, or values that the storage has otherwise. Lock records (`locks/...`) are left out. No path of the archive
/// is ever opened: a name is a key or an error.
///
/// Values that are equal already are left alone, so an import that was interrupted is resumed by calling again. Import to
/// a storage that nobody serves from meanwhile. `progress` is called with the number of values that are done, and of all
/// values once that is known, else 0.
///
/// # Errors
/// [`ErrorKind::Corrupt`]: the archive is damaged or cut short, or a value reads back otherwise than it was written.
/// [`ErrorKind::InvalidKey`], [`ErrorKind::TooLarge`]: what the archive must not have. [`ErrorKind::Conflict`]: the storage
/// cannot hold some of the values, or has others there. Else of the backend. The message says whether something was
/// written.
///
/// # Cancel safety
/// Dropped, each key has its old value or the new one; call again to go on.
pub async fn import<R: Read + Seek + Send + 'static>(
    storage: &dyn Storage,
    options: &ImportOptions,
    archive: R,
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<ImportReport> {
    let limits =
        Limits { value: options.max_value, total: options.max_total, entries: options.max_entries };
    let mut entries = Entries::of(archive, limits);
    let mut checker = Checker::new(storage, options.overwrite);
    let (mut locks, mut total) = (0, 0);
    while let Some(entry) = entries.next.recv().await {
        match entry? {
            Entry::Value(key, value) => {
                checker.look_at(key, &value).await?;
                total += 1;
                progress(total, 0);
            }
            Entry::Lock => locks += 1,
        }
    }
    let planned = ImportReport { locks, dry_run: options.dry_run, ..checker.verdict()? };
    if options.dry_run {
        return Ok(planned);
    }
    let mut entries = Entries::of(entries.into_reader().await?, limits);
    let mut done = ImportReport { locks, ..ImportReport::default() };
    let mut at = 0;
    while let Some(entry) = entries.next.recv().await {
        let stored = match entry {
            Ok(Entry::Lock) => continue,
            Ok(Entry::Value(key, value)) => {
                let stored = write(storage, &key, &value, options.overwrite).await;
                stored.map(|standing| done.count(standing, value.len() as u64))
            }
            Err(error) => Err(error),
        };
        stored.map_err(|error| stopped(error, &done, total))?;
        at += 1;
        progress(at, total);
    }
    Ok(done)
}

async fn write(
    storage: &dyn Storage,
    key: &Key,
    value: &[u8],
    overwrite: bool,
) -> Result<Standing> {
    let standing = standing(storage, key, value).await?;
    match standing {
        Standing::Unchanged => return Ok(standing),
        Standing::Different if !overwrite => {
            let message = "somebody has stored another value meanwhile";
            return Err(Error::new(ErrorKind::Conflict, message).with_key(key));
        }
        Standing::New if storage.capabilities().cas != Cas::None => {
            storage.store_if(key, value, &Condition::Absent).await?;
        }
        _ => {
            storage.store(key, value).await?;
        }
    }
    if storage.load(key).await? != value {
        let message = "it reads back otherwise than it was written; somebody else writes there, or it is damaged";
        return Err(Error::new(ErrorKind::Corrupt, message).with_key(key));
    }
    Ok(standing)
}

/// An error in the middle says how far it came.
fn stopped(error: Error, done: &ImportReport, total: u64) -> Error {
    let message = format!(
        "stopped after {} of {total} values, {} of them written; import again to go on",
        done.written() + done.unchanged,
        done.written()
    );
    Error::new(error.kind(), message).with_operation("import").with_source(error)
}
