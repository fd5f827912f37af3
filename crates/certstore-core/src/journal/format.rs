//! A journal as bytes.

use bytes::{Buf, Bytes};

use crate::stamp::Stamp;
use crate::{
    Dir, Error, ErrorKind, FencingToken, Key, LockName, LockerId, Result, Version, Versioned,
};

/// Of a journal that anybody wrote.
const MAGIC: &[u8] = b"certstore-journal 1\n";

/// Of one that was written under a lock; its author follows.
const FENCED: &[u8] = b"certstore-journal 2\n";

/// What a writer is about to write.
pub(super) struct Journal {
    pub(super) author: Option<Author>,
    pub(super) entries: Vec<Entry>,
}

/// The holder of a lock who writes a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Author {
    pub(super) stamp: Stamp,
    /// Makes two journals of one holder different, also where a version is a digest.
    pub(super) nonce: u128,
}

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) before: Option<Version>,
    pub(super) value: Bytes,
}

impl Entry {
    /// Whether what is stored is still what was there before, or already what the journal brings.
    pub(super) fn is_open(&self, found: Option<&Versioned>) -> bool {
        found.map(|found| &found.version) == self.before.as_ref()
            || found.is_some_and(|found| found.value == self.value)
    }
}

impl Journal {
    /// Magic, the author if there is one (locker, lock, token, nonce), the number of entries as u32, then per entry: name,
    /// version before (a flag and a text), value; each with its length as u32, big endian.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut journal = match &self.author {
            None => MAGIC.to_vec(),
            Some(_) => FENCED.to_vec(),
        };
        if let Some(Author { stamp, nonce }) = &self.author {
            put(&mut journal, stamp.locker.as_str().as_bytes());
            put(&mut journal, stamp.name.as_str().as_bytes());
            put(&mut journal, &stamp.token.0.to_be_bytes());
            put(&mut journal, &nonce.to_be_bytes());
        }
        let count = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        journal.extend_from_slice(&count.to_be_bytes());
        for entry in &self.entries {
            put(&mut journal, entry.key.name().as_bytes());
            match &entry.before {
                None => put(&mut journal, b""),
                Some(version) => put(&mut journal, format!("={}", version.as_str()).as_bytes()),
            }
            put(&mut journal, &entry.value);
        }
        journal
    }

    pub(super) fn decode(dir: &Dir, journal: &[u8]) -> Result<Self> {
        parse(dir, journal).ok_or_else(|| {
            Error::new(
                ErrorKind::Corrupt,
                "the journal of a bundle is damaged; store the bundle again",
            )
            .with_operation("load bundle")
            .with_subject(dir.as_str())
        })
    }

    /// `None`: it is damaged. Nothing can be saved from it, and a new journal takes its place.
    pub(super) fn decode_or_drop(dir: &Dir, journal: &[u8]) -> Option<Self> {
        Self::decode(dir, journal)
            .inspect_err(|error| tracing::warn!(%dir, %error, "a damaged journal is dropped"))
            .ok()
    }
}

fn put(journal: &mut Vec<u8>, bytes: &[u8]) {
    // A value over 4 GiB is far over every limit of this crate's purpose; a cut length would be found as damage.
    journal.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    journal.extend_from_slice(bytes);
}

fn parse(dir: &Dir, journal: &[u8]) -> Option<Journal> {
    let (mut rest, author) = match journal.strip_prefix(FENCED) {
        Some(rest) => {
            let mut rest = Bytes::copy_from_slice(rest);
            let author = parse_author(&mut rest)?;
            (rest, Some(author))
        }
        None => (Bytes::copy_from_slice(journal.strip_prefix(MAGIC)?), None),
    };
    let count = rest.try_get_u32().ok()?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let name = take_text(&mut rest)?;
        let before = take_text(&mut rest)?.strip_prefix('=').map(Version::new);
        let value = take(&mut rest)?;
        entries.push(Entry { key: dir.join(&name).ok()?, before, value });
    }
    Some(Journal { author, entries })
}

fn parse_author(rest: &mut Bytes) -> Option<Author> {
    let locker = LockerId::new(take_text(rest)?);
    let name = LockName::new(&take_text(rest)?).ok()?;
    let token = FencingToken(take(rest)?.try_get_u64().ok()?);
    let nonce = take(rest)?.try_get_u128().ok()?;
    Some(Author { stamp: Stamp { locker, name, token }, nonce })
}

fn take_text(rest: &mut Bytes) -> Option<String> {
    String::from_utf8(take(rest)?.to_vec()).ok()
}

fn take(rest: &mut Bytes) -> Option<Bytes> {
    let length = usize::try_from(rest.try_get_u32().ok()?).ok()?;
    (length <= rest.remaining()).then(|| rest.split_to(length))
}
