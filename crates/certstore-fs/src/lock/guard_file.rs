//! The guard file of a lock: whoever has its `flock` holds the lock among certstore processes.
//!
//! The kernel frees the lock on any death, a stopped process keeps it, and no clock is asked. The file is never deleted:
//! a second file of the same name would be a second lock. Its first line tells the newest token, and for people who
//! holds it; its last byte tells that somebody waits.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::time::SystemTime;

use certstore_core::FencingToken;
use serde::{Deserialize, Serialize};

use super::dir::{LocksDir, inode_of};
use super::names::Names;

/// Room for the record; the byte behind it is the sign of those who wait.
const RECORD: usize = 512;

/// An open guard file; its `flock`, if held, ends when this is dropped.
#[derive(Debug)]
pub(super) struct GuardFile {
    file: File,
    locked: bool,
}

/// What the guard file says of its newest holder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The newest token of this lock.
    pub(super) token: u64,
    /// Whether its holder has yet to give the lock back.
    pub(super) held: bool,
    pub(super) pid: u32,
    pub(super) host: String,
    pub(super) program: String,
    pub(super) since: String,
}

/// What was read of a guard file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reading {
    /// The lock was never held.
    Nothing,
    /// Cut or overwritten. The clock makes the next token grow all the same.
    Damaged,
    Record(Record),
}

impl GuardFile {
    /// Opens the file; its `flock` is not taken yet.
    pub(super) fn open(dir: &LocksDir, names: &Names) -> io::Result<Self> {
        Ok(Self { file: dir.open_or_create(&names.guard)?, locked: false })
    }

    /// Opens it if it is there. Opened for writing even where it is only read: closing such a descriptor wakes waiters,
    /// should they have been in the way of a moment's look.
    pub(super) fn open_existing(dir: &LocksDir, names: &Names) -> io::Result<Option<Self>> {
        Ok(dir.open_existing(&names.guard)?.map(|file| Self { file, locked: false }))
    }

    /// Takes the `flock` if it is free. Never waits.
    pub(super) fn try_lock(&mut self) -> io::Result<bool> {
        self.locked = self.locked || taken(self.file.try_lock())?;
        Ok(self.locked)
    }

    /// Whether somebody else has the `flock`. Takes it for a moment, shared: others who only look see nothing of it.
    pub(super) fn is_locked_by_other(&self) -> io::Result<bool> {
        if !taken(self.file.try_lock_shared())? {
            return Ok(true);
        }
        self.file.unlock()?;
        Ok(false)
    }

    /// Whether the name still leads to this file: somebody may have deleted the directory by hand.
    pub(super) fn is_current(&self, dir: &LocksDir, names: &Names) -> io::Result<bool> {
        Ok(dir.inode(&names.guard)? == Some(inode_of(&self.file)?))
    }

    /// Reads the record. A read beside a write can show a mix of both, which the checksum tells.
    pub(super) fn read(&self) -> io::Result<Reading> {
        let mut buffer = [0; RECORD];
        let length = read_at(&self.file, &mut buffer, 0)?;
        Ok(Reading::parse(&buffer[..length]))
    }

    /// Writes the record in one call.
    pub(super) fn write(&self, record: &Record) -> io::Result<()> {
        self.file.write_all_at(&record.to_line(), 0)
    }

    /// Leaves a sign for the holder that somebody waits.
    pub(super) fn mark_waiting(&self) -> io::Result<()> {
        self.file.write_all_at(&[1], RECORD as u64)
    }

    /// Whether somebody has waited since the sign was cleared; clears it.
    pub(super) fn clear_waiting(&self) -> io::Result<bool> {
        let mut sign = [0];
        let waited = read_at(&self.file, &mut sign, RECORD as u64)? == 1 && sign[0] != 0;
        if waited {
            self.file.write_all_at(&[0], RECORD as u64)?;
        }
        Ok(waited)
    }
}

impl Drop for GuardFile {
    fn drop(&mut self) {
        if self.locked {
            // Before the descriptor is closed: closing wakes those who wait, and then the lock must be free already.
            let _ = self.file.unlock();
        }
    }
}

impl Reading {
    fn parse(bytes: &[u8]) -> Self {
        if bytes.iter().all(|byte| *byte == 0) {
            return Self::Nothing;
        }
        Self::checked(bytes).map_or(Self::Damaged, Self::Record)
    }

    fn checked(bytes: &[u8]) -> Option<Record> {
        let line = bytes.split(|byte| *byte == b'\n').next()?;
        let (sum, json) = line.split_at_checked(16)?;
        let json = json.strip_prefix(b" ")?;
        (sum == checksum(json).as_bytes()).then(|| serde_json::from_slice(json).ok())?
    }

    /// The record, or one that says nothing.
    pub(super) fn or_default(self) -> Record {
        match self {
            Self::Record(record) => record,
            Self::Nothing | Self::Damaged => Record::default(),
        }
    }
}

impl Record {
    /// The token of the next holder: grows even where the record was lost.
    pub(super) fn next_token(&self, now: SystemTime) -> FencingToken {
        let micros = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_micros());
        FencingToken(self.token.saturating_add(1).max(u64::try_from(micros).unwrap_or(0)))
    }

    /// The holder in words.
    pub(super) fn holder(&self) -> String {
        format!("{}, process {}, on {}", self.program, self.pid, self.host)
    }

    fn to_line(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).unwrap_or_default();
        let mut line = checksum(&json).into_bytes();
        line.push(b' ');
        line.extend_from_slice(&json);
        line.push(b'\n');
        line
    }
}

/// FNV-1a: against accidents, not against attackers.
fn checksum(bytes: &[u8]) -> String {
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{sum:016x}")
}

fn taken(tried: Result<(), TryLockError>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

#[cfg(test)]
#[path = "guard_file_tests.rs"]
mod tests;
