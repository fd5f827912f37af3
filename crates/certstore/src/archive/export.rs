//! Writing an archive.

use std::io::{self, Write};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use certstore_core::{Dir, Error, ErrorKind, Key, KeyInfo, Result, Storage};
use futures_util::TryStreamExt;
use serde::Serialize;
use tar::{Builder, EntryType, Header};
use tokio::sync::mpsc;

/// How many values wait for the writer.
const AHEAD: usize = 4;

/// How many files of one directory are read as one: a site has three.
const BUNDLE: usize = 8;

/// What [`export`] writes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExportOptions {
    /// The directory that is exported; the root by default. Names in the archive are whole keys in any case.
    pub dir: Dir,
    /// Whether stored names that are no valid keys are left out; without it they are an error.
    pub skip_foreign: bool,
}

impl Default for ExportOptions {
    fn default() -> Self {
        Self { dir: Dir::ROOT, skip_foreign: false }
    }
}

/// What an export wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExportReport {
    /// Values in the archive.
    pub values: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Values that were deleted after they were listed.
    pub vanished: u64,
    /// Stored names that are no valid keys, and so were left out.
    pub foreign: Vec<String>,
}

/// Writes every value below `options.dir` to `writer` as a tar archive: plain files named as their keys, with mode 0600.
/// Gives the writer back when the archive is whole; it is not flushed.
///
/// The certificate, key and metadata of a site are read as one, so that they belong together. Else values are read one
/// after another while others may write. A few values are in memory at a time. `progress` is called for each value.
///
/// # Errors
/// [`ErrorKind::Conflict`]: there are names that are no valid keys, and nothing was written. [`ErrorKind::NotFound`]:
/// `options.dir` does not exist. [`ErrorKind::Other`]: the writer failed. Else of the backend. After an error the archive
/// is not whole, and has no end mark.
///
/// # Cancel safety
/// Dropped, the archive has no end mark, so that a reader can tell.
pub async fn export<W: Write + Send + 'static>(
    storage: &dyn Storage,
    options: &ExportOptions,
    writer: W,
    mut progress: impl FnMut() + Send,
) -> Result<(W, ExportReport)> {
    let foreign = storage.foreign(&options.dir).await?;
    if !foreign.is_empty() && !options.skip_foreign {
        return Err(refuse_foreign(&foreign).with_backend(storage.backend()));
    }
    let mut report = ExportReport { foreign, ..ExportReport::default() };
    let (values, received) = mpsc::channel(AHEAD);
    let writing = tokio::task::spawn_blocking(move || write(writer, received));
    let read = async {
        let mut group = Vec::new();
        let mut found = storage.walk(&options.dir);
        if let Some(own) = value_at(storage, &options.dir).await? {
            group.push(own);
        }
        while let Some(info) = found.try_next().await? {
            if !info.is_terminal {
                continue;
            }
            if !group.first().is_none_or(|first| belong_together(first, &info))
                || group.len() >= BUNDLE
            {
                send(storage, &mut group, &values, &mut report, &mut progress).await?;
            }
            group.push(info);
        }
        send(storage, &mut group, &values, &mut report, &mut progress).await?;
        // The end of the archive: only when everything was read does the writer finish it.
        drop(values.send(Item::End).await);
        Ok(())
    };
    let read: Result<()> = read.await;
    drop(values);
    let written = writing.await.map_err(|error| failed(io::Error::other(error)))?;
    read?;
    let writer = written.map_err(failed)?.ok_or_else(|| {
        failed(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive was not finished"))
    })?;
    Ok((writer, report))
}

async fn value_at(storage: &dyn Storage, dir: &Dir) -> Result<Option<KeyInfo>> {
    let Some(key) = dir.key() else { return Ok(None) };
    storage.stat(key).await.map(|own| own.is_terminal.then_some(own))
}

/// Whether two values are of one site's directory.
fn belong_together(one: &KeyInfo, other: &KeyInfo) -> bool {
    let parent = one.key.parent();
    parent == other.key.parent()
        && one.key.components().next() == Some("certificates")
        && one.key.components().count() == 4
}

enum Item {
    Value(KeyInfo, Bytes),
    End,
}

async fn send(
    storage: &dyn Storage,
    group: &mut Vec<KeyInfo>,
    values: &mpsc::Sender<Item>,
    report: &mut ExportReport,
    progress: &mut (impl FnMut() + Send),
) -> Result<()> {
    for (info, value) in load(storage, std::mem::take(group)).await? {
        progress();
        let Some(value) = value else {
            report.vanished += 1;
            continue;
        };
        report.values += 1;
        report.bytes += value.len() as u64;
        // A writer that has failed says so itself.
        if values.send(Item::Value(info, value)).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn load(storage: &dyn Storage, group: Vec<KeyInfo>) -> Result<Vec<(KeyInfo, Option<Bytes>)>> {
    let keys: Vec<&Key> = group.iter().map(|info| &info.key).collect();
    if keys.len() > 1 {
        match storage.load_bundle(&keys).await {
            Ok(values) => return Ok(group.into_iter().zip(values.into_iter().map(Some)).collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    let values = storage.load_many(&keys).await;
    group
        .into_iter()
        .zip(values)
        .map(|(info, value)| match value {
            Ok(value) => Ok((info, Some(value))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok((info, None)),
            Err(error) => Err(error),
        })
        .collect()
}

/// Runs in a thread of its own: writers block. `None` when the end never came.
fn write<W: Write>(writer: W, mut received: mpsc::Receiver<Item>) -> io::Result<Option<W>> {
    let mut builder = Builder::new(Gate { writer, closed: false });
    let ended = loop {
        match received.blocking_recv() {
            Some(Item::Value(info, value)) => {
                if let Err(error) = append(&mut builder, &info, &value) {
                    break Err(error);
                }
            }
            Some(Item::End) => return builder.into_inner().map(|gate| Some(gate.writer)),
            None => break Ok(None),
        }
    };
    // A builder that is dropped finishes its archive: one that was cut short must not look whole.
    builder.get_mut().closed = true;
    ended
}

/// A writer that can be closed: what comes later is gone.
struct Gate<W> {
    writer: W,
    closed: bool,
}

impl<W: Write> Write for Gate<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed { Ok(bytes.len()) } else { self.writer.write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

fn append(builder: &mut Builder<impl Write>, info: &KeyInfo, value: &[u8]) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o600);
    header.set_size(value.len() as u64);
    let modified = info.modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    header.set_mtime(modified.map_or(0, |time| time.as_secs()));
    builder.append_data(&mut header, info.key.as_str(), value)
}

fn refuse_foreign(foreign: &[String]) -> Error {
    let first = foreign.first().map(String::as_str).unwrap_or_default().escape_debug().to_string();
    Error::new(
        ErrorKind::Conflict,
        format!(
            "{} stored names are no valid keys, the first is \"{first}\"; rename them, or leave them out with skip-foreign",
            foreign.len()
        ),
    )
    .with_operation("export")
}

fn failed(error: io::Error) -> Error {
    Error::new(ErrorKind::Other, "the archive cannot be written; it is not whole")
        .with_operation("export")
        .with_source(error)
}
