//! Our own copy of CertMagic's lock file: it keeps Go processes out while we hold the guard file.
//!
//! It is ours as long as the name leads to the inode of the descriptor that we keep open: an inode in use is given to
//! no other file, while what stands in the file can be rewritten by a Go process that once held the lock.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use certstore_core::FencingToken;
use rustix::fs::Mode;

use super::body;
use super::dir::{LocksDir, inode_of};
use super::names::Names;
use super::shared::Shared;

/// How often the file is refreshed, as CertMagic does.
pub(super) const REFRESH: Duration = Duration::from_secs(5);

/// How long a refresh proves that the lock is held: Go takes the file after ten seconds, and its clock may run faster.
pub(super) const PROOF: Duration = Duration::from_secs(8);

/// The mode that CertMagic gives the file.
const MODE: Mode = Mode::RUSR.union(Mode::WUSR).union(Mode::RGRP).union(Mode::ROTH);

/// A lock file that we have put in place. Removed when this is dropped, if it is still ours.
#[derive(Debug)]
pub(super) struct PeerFile {
    shared: Arc<Shared>,
    dir: LocksDir,
    names: Arc<Names>,
    token: FencingToken,
    created: SystemTime,
    file: File,
    inode: u64,
    refreshed: Duration,
    ended: bool,
}

impl PeerFile {
    /// Puts a lock file in place, complete from its first moment; `None` when there is one.
    pub(super) fn place(
        shared: &Arc<Shared>,
        dir: &LocksDir,
        names: &Arc<Names>,
        token: FencingToken,
    ) -> io::Result<Option<Self>> {
        let refreshed = shared.clock.boottime();
        let created = shared.clock.wall();
        let body = body::write(created, created, &shared.owner, token);
        let (temp, mut file) = dir.create_temp(&*shared.random, MODE)?;
        file.write_all(&body)?;
        let inode = inode_of(&file)?;
        // A network file system can lose the reply of a link that it has made.
        if !dir.link(&temp.name, &names.lock)? && dir.inode(&names.lock)? != Some(inode) {
            return Ok(None);
        }
        drop(temp);
        let (shared, dir, names) = (shared.clone(), dir.clone(), names.clone());
        Ok(Some(Self { shared, dir, names, token, created, file, inode, refreshed, ended: false }))
    }

    /// The token that stands in it.
    pub(super) fn token(&self) -> FencingToken {
        self.token
    }

    /// When it was refreshed last, by [`boottime`](certstore_core::Clock::boottime).
    pub(super) fn refreshed(&self) -> Duration {
        self.refreshed
    }

    /// Whether no Go process can have taken it over for its age.
    pub(super) fn is_proven(&self) -> bool {
        self.shared.clock.boottime() < self.refreshed + PROOF
    }

    /// Whether the name leads to our file.
    pub(super) fn is_ours(&self) -> io::Result<bool> {
        Ok(!self.ended && self.dir.inode(&self.names.lock)? == Some(self.inode))
    }

    /// Writes the time into the file; `false` when it is not ours any more.
    pub(super) fn refresh(&mut self) -> io::Result<bool> {
        if !self.is_ours()? {
            return Ok(false);
        }
        let refreshed = self.shared.clock.boottime();
        let now = self.shared.clock.wall();
        let body = body::write(self.created, now, &self.shared.owner, self.token);
        let replaced = if self.is_proven() { self.replace(&body) } else { Ok(Replaced::Not) };
        match replaced {
            Ok(Replaced::Done) => {}
            Ok(Replaced::Foreign) => return Ok(false),
            // An old file may be replaced by a Go process at any moment, and a full disk holds no second file: then the
            // bytes of our own inode are written over, which touches nobody else's.
            Ok(Replaced::Not) | Err(_) => self.file.write_all_at(&body, 0)?,
        }
        self.refreshed = refreshed;
        // We may have been stopped at any point above, for long enough to lose the file.
        self.is_ours()
    }

    /// Puts a new file in the place of ours, so that no reader sees half of it.
    fn replace(&mut self, body: &[u8]) -> io::Result<Replaced> {
        let (temp, mut file) = self.dir.create_temp(&*self.shared.random, MODE)?;
        file.write_all(body)?;
        let inode = inode_of(&file)?;
        if self.dir.exchange(&temp.name, &self.names.lock)? {
            if self.dir.inode(&temp.name)? != Some(self.inode) {
                // We were stopped since we looked, and a Go process took over in the meantime: its file goes back.
                self.dir.exchange(&temp.name, &self.names.lock)?;
                return Ok(Replaced::Foreign);
            }
        } else if !self.dir.rename(&temp.name, &self.names.lock)? {
            return Ok(Replaced::Not);
        }
        (self.file, self.inode) = (file, inode);
        Ok(Replaced::Done)
    }

    /// Removes the file; `false` when it was not ours any more, and then nothing is touched.
    pub(super) fn remove(&mut self) -> io::Result<bool> {
        let removed = self.try_remove();
        // A second try would fare no better: what is left is dead to certstore, and soon stale to Go.
        self.ended = true;
        removed
    }

    fn try_remove(&self) -> io::Result<bool> {
        if !self.is_ours()? {
            return Ok(false);
        }
        if self.is_proven() {
            return self.dir.remove(&self.names.lock);
        }
        let Some(taken) = self.dir.take(&self.names.lock, &*self.shared.random)? else {
            return Ok(false);
        };
        let ours = self.dir.inode(&taken.name)? == Some(self.inode);
        if !ours {
            self.dir.link(&taken.name, &self.names.lock)?;
        }
        Ok(ours)
    }

    /// Forgets the file: it is somebody else's now.
    pub(super) fn abandon(&mut self) {
        self.ended = true;
    }
}

impl Drop for PeerFile {
    fn drop(&mut self) {
        if !self.ended
            && let Err(error) = self.remove()
        {
            tracing::warn!(file = %self.names.lock, %error, "a lock file could not be removed");
        }
    }
}

enum Replaced {
    Done,
    /// Nothing was changed.
    Not,
    /// Somebody else's file is there.
    Foreign,
}

#[cfg(test)]
#[path = "peer_file_tests.rs"]
mod tests;
