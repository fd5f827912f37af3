//! Reading an archive in a thread of its own, one entry after another.

use std::io::{self, Read, Seek, SeekFrom};

use bytes::Bytes;
use certstore_core::{Error, ErrorKind, Key, RESERVED, Result};
use tar::{Archive, EntryType};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How many entries wait to be taken.
const AHEAD: usize = 2;

/// The most that an archive may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) value: u64,
    pub(super) total: u64,
    pub(super) entries: u64,
}

/// What is next in an archive.
#[derive(Debug)]
pub(super) enum Entry {
    Value(Key, Bytes),
    /// A lock record: of a moment that is long over.
    Lock,
}

/// The entries of an archive, and its reader once they are read.
pub(super) struct Entries<R> {
    pub(super) next: mpsc::Receiver<Result<Entry>>,
    reader: JoinHandle<R>,
}

impl<R: Read + Seek + Send + 'static> Entries<R> {
    /// Reads `reader` from its start.
    pub(super) fn of(reader: R, limits: Limits) -> Self {
        let (entries, next) = mpsc::channel(AHEAD);
        let reader = tokio::task::spawn_blocking(move || {
            let mut counted = Counted { reader, ended: false };
            if let Err(error) = read(&mut counted, limits, &entries) {
                // Nobody listens any more: then nobody needs to know.
                drop(entries.blocking_send(Err(error)));
            }
            counted.reader
        });
        Self { next, reader }
    }

    /// The reader, to read it again.
    pub(super) async fn into_reader(self) -> Result<R> {
        drop(self.next);
        self.reader.await.map_err(|error| unreadable(io::Error::other(error)))
    }
}

/// Sees whether the end of the file came before the end mark of the archive.
struct Counted<R> {
    reader: R,
    ended: bool,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.ended |= read == 0 && !buffer.is_empty();
        Ok(read)
    }
}

fn read<R: Read + Seek>(
    counted: &mut Counted<R>,
    limits: Limits,
    entries: &mpsc::Sender<Result<Entry>>,
) -> Result<()> {
    counted.reader.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let mut archive = Archive::new(&mut *counted);
    let (mut count, mut total) = (0, 0);
    for entry in archive.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        count += 1;
        if count > limits.entries {
            let message = format!("it has more than {} entries", limits.entries);
            return Err(refused(ErrorKind::TooLarge, message));
        }
        let name = name_of(&entry)?;
        let taken = if is_lock(&name) {
            Entry::Lock
        } else {
            let key = checked(&name, entry.header().entry_type())?;
            let size = entry.size();
            total += size;
            check_size(&key, size, total, limits)?;
            let mut value = Vec::new();
            entry.by_ref().take(size).read_to_end(&mut value).map_err(unreadable)?;
            if value.len() as u64 != size {
                return Err(truncated());
            }
            Entry::Value(key, value.into())
        };
        if entries.blocking_send(Ok(taken)).is_err() {
            return Ok(());
        }
    }
    // Two blocks of zeros end an archive (POSIX ustar); reading stops at the first, before the end of the file.
    if counted.ended { Err(truncated()) } else { Ok(()) }
}

fn name_of<R: Read>(entry: &tar::Entry<'_, R>) -> Result<String> {
    String::from_utf8(entry.path_bytes().into_owned())
        .map_err(|_| refused(ErrorKind::InvalidKey, "a name in it is no UTF-8".into()))
}

/// What `caddy storage export` of files has of locks that were held.
fn is_lock(name: &str) -> bool {
    name.strip_prefix(RESERVED).is_some_and(|rest| rest.starts_with('/') && !rest.contains(".."))
}

fn checked(name: &str, kind: EntryType) -> Result<Key> {
    if kind != EntryType::Regular {
        let shown: String = name.escape_debug().take(200).collect();
        let what = if kind.is_dir() { "a directory" } else { "no plain file" };
        return Err(refused(
            ErrorKind::InvalidKey,
            format!("\"{shown}\" in it is {what}; an export has plain files only"),
        ));
    }
    Key::new(name).map_err(|error| error.with_operation("import"))
}

fn check_size(key: &Key, size: u64, total: u64, limits: Limits) -> Result<()> {
    let over = if size > limits.value {
        format!("it has {size} bytes, a value may have {}", limits.value)
    } else if total > limits.total {
        format!("with it the values have more than {} bytes in all", limits.total)
    } else {
        return Ok(());
    };
    Err(refused(ErrorKind::TooLarge, format!("{over}; raise the limit if that is meant"))
        .with_key(key))
}

fn refused(kind: ErrorKind, message: String) -> Error {
    Error::new(kind, message).with_operation("import")
}

fn truncated() -> Error {
    refused(
        ErrorKind::Corrupt,
        "the archive ends before its end mark, so it is cut short, or none at all".into(),
    )
}

fn unreadable(error: io::Error) -> Error {
    // Of a block that is not whole, the reader has words only.
    if error.kind() == io::ErrorKind::UnexpectedEof || error.to_string().contains("entire block") {
        return truncated().with_source(error);
    }
    refused(ErrorKind::Corrupt, "the archive cannot be read".into()).with_source(error)
}
