//! What a row of `caddy_locks` means.
//!
//! A held row has a record version number, a free one has none, or is not there. The plugin's lock client passes the bytes
//! of `data` through and writes its own id into `owner` whenever it acquires, so a row is ours when `owner` names the
//! acquisition that `data` describes. The client keeps `data` when it takes a row over: our last record then tells the
//! last token, under somebody else's `owner`.

use std::time::Duration;

use certstore_core::lease::{Record, State, Stored};
use certstore_core::{Result, Version};

/// After which time without a new record version number the plugin's lock client takes a lock.
pub(super) const PEER_LEASE: Duration = Duration::from_secs(20);

/// What marks the owner of a row as ours.
const OWNER: &str = "certstore:";

/// The bones of a record that nobody of ours wrote.
const UNKNOWN: &str = "certstore-lock 1\nname \nstate free\nowner 0\nwrite 0\ntoken 0\nspan 1\nseq 0\nlease_ms 0\n\
                       created_us 0\nupdated_us 0\nholder \n";

/// One row, and the version that the server gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LockRow {
    /// The record version number; `None` when the lock is free.
    pub(super) rvn: Option<i64>,
    /// What the last certstore holder wrote, or anything else.
    pub(super) data: Option<Vec<u8>>,
    /// Who holds the lock or held it last.
    pub(super) owner: Option<String>,
    /// Names this state of the row.
    pub(super) version: Version,
}

/// Who a row says holds the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holding {
    /// Nobody.
    Free,
    /// A certstore process.
    Ours,
    /// The plugin's lock client with this id.
    Peer(String),
}

impl LockRow {
    /// The owner text of an acquisition.
    pub(super) fn owner_of(record: &Record) -> String {
        format!("{OWNER}{:032x}", record.owner)
    }

    pub(super) fn holding(&self) -> Holding {
        match self.rvn {
            None => Holding::Free,
            Some(_) if self.own_record().is_some_and(|record| record.state == State::Held) => {
                Holding::Ours
            }
            Some(_) => Holding::Peer(self.owner.clone().unwrap_or_default()),
        }
    }

    /// The row as the lease engine sees it.
    ///
    /// The token of a peer's record is one that nobody has had: after the last one that is known.
    pub(super) fn stored(self, name: &str) -> Result<Stored> {
        let record = match (self.rvn, self.own_record()) {
            (Some(_), Some(record)) if record.state == State::Held => record,
            (Some(rvn), _) => self.peers(name, rvn)?,
            (None, Some(record)) => freed(record),
            (None, None) => freed(self.peers(name, 0)?),
        };
        Ok(Stored { record, version: self.version })
    }

    /// The record in `data`, if its writer was the last to acquire.
    fn own_record(&self) -> Option<Record> {
        self.last_record().filter(|record| self.owner.as_ref() == Some(&Self::owner_of(record)))
    }

    /// The record in `data`, whoever has acquired since.
    fn last_record(&self) -> Option<Record> {
        let data = self.data.as_deref()?;
        Record::decode(std::str::from_utf8(data).ok()?).ok()
    }

    /// A holder that says nothing of itself but its version number, which its heartbeat changes.
    fn peers(&self, name: &str, rvn: i64) -> Result<Record> {
        let mut record = Record::decode(UNKNOWN)?;
        name.clone_into(&mut record.name);
        record.state = State::Held;
        record.write = u128::from(rvn.unsigned_abs());
        record.token = self.last_record().map_or(0, |last| last.next_token());
        record.lease = PEER_LEASE;
        record.holder.name = self.owner.clone().unwrap_or_default();
        Ok(record)
    }
}

fn freed(mut record: Record) -> Record {
    record.state = State::Free;
    record
}

#[cfg(test)]
#[path = "lock_row_tests.rs"]
mod tests;
