//! A lock that is held: its files, and how it is given back or lost.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use certstore_core::{
    Error, ErrorKind, FencingToken, LostReason, Release, Result, Standing, Validity,
};
use rustix::io::Errno;
use tokio::task::AbortHandle;

use super::breaking;
use super::dir::LocksDir;
use super::guard_file::{GuardFile, Reading};
use super::names::Names;
use super::peer_file::{PROOF, PeerFile};
use super::shared::{NameTurn, Shared};
use crate::error::{BACKEND, io_error};

/// What a holder has in its hands. Dropped in this order: the lock file goes, then the guard file is freed, and then
/// the next task of this process has its turn.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) peer: PeerFile,
    pub(super) guard: GuardFile,
    pub(super) turn: NameTurn,
}

/// A held lock, shared by its guard and the task that refreshes it.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) shared: Arc<Shared>,
    pub(super) dir: LocksDir,
    pub(super) names: Arc<Names>,
    pub(super) token: FencingToken,
    pub(super) validity: Validity,
    files: Mutex<Option<Files>>,
}

/// What a look at the files of a held lock has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// All is well.
    Ours,
    /// Ours, but a Go process may be about to take it: look again after a moment.
    Unproven,
    /// It is given back or lost.
    Over,
}

impl Held {
    pub(super) fn new(
        shared: Arc<Shared>,
        dir: LocksDir,
        names: Arc<Names>,
        token: FencingToken,
        files: Files,
    ) -> Self {
        let validity = Validity::proof(shared.clock.clone(), files.peer.refreshed() + PROOF);
        Self { shared, dir, names, token, validity, files: Mutex::new(Some(files)) }
    }

    /// Looks for requests to break the lock and for strangers in its place. Loses it where it must.
    pub(super) fn look(&self) -> io::Result<Look> {
        let mut files = self.files();
        let Some(held) = files.as_ref() else { return Ok(Look::Over) };
        // Whoever removes the request decides: if that was the one who asked, it was taken back, and the lock stays.
        if breaking::is_requested(&self.dir, &self.names, self.token)?
            && self.dir.remove(&self.names.mark)?
        {
            return Ok(self.lose(&mut files, LostReason::Broken));
        }
        if !held.peer.is_ours()? {
            return Ok(self.lose(&mut files, LostReason::Stolen));
        }
        Ok(if held.peer.is_proven() { Look::Ours } else { Look::Unproven })
    }

    /// Writes the time into the lock file and checks the guard file. After [`Look::Unproven`] the caller waits and
    /// calls [`prove`](Self::prove).
    pub(super) fn refresh(&self) -> io::Result<Look> {
        let mut files = self.files();
        let Some(held) = files.as_mut() else { return Ok(Look::Over) };
        match held.guard.read()? {
            Reading::Record(record) if record.token > self.token.0 => {
                return Ok(self.lose(&mut files, LostReason::Stolen));
            }
            Reading::Record(_) => {}
            Reading::Nothing | Reading::Damaged => {
                held.guard.write(&self.shared.record(self.token.0))?;
            }
        }
        let last = held.peer.refreshed();
        if !held.peer.refresh()? {
            return Ok(self.lose(&mut files, LostReason::Stolen));
        }
        // Counted from after the refresh: we may have been stopped in the middle of it.
        if self.shared.clock.boottime() >= last + PROOF {
            return Ok(Look::Unproven);
        }
        self.validity.extend(held.peer.refreshed() + PROOF);
        Ok(Look::Ours)
    }

    /// Looks again after a late refresh: what is still ours now stays ours.
    pub(super) fn prove(&self) -> io::Result<Look> {
        let look = self.look()?;
        if look == Look::Ours
            && let Some(held) = self.files().as_ref()
        {
            self.validity.extend(held.peer.refreshed() + PROOF);
        }
        Ok(look)
    }

    /// Gives the lock up for an error of the file system, if it is one that means that nothing can be known any more.
    pub(super) fn fail(&self, error: &io::Error) -> Look {
        let mut files = self.files();
        let gone =
            matches!(Errno::from_io_error(error), Some(Errno::IO | Errno::STALE | Errno::BADF));
        match files.as_ref() {
            None => Look::Over,
            Some(_) if gone => self.lose(&mut files, LostReason::Backend),
            Some(_) => Look::Unproven,
        }
    }

    /// Ends the hold: nothing that is somebody else's is touched, and others can have the lock.
    fn lose(&self, files: &mut Option<Files>, reason: LostReason) -> Look {
        self.validity.lose(reason);
        if let Some(mut held) = files.take() {
            if reason == LostReason::Stolen {
                held.peer.abandon();
            }
            if let Err(error) = self.free(&held) {
                tracing::debug!(%error, "the guard file of a lost lock could not be written");
            }
            tracing::warn!(lock = %self.names.stem, token = self.token.0, %reason, "a lock was lost");
        }
        Look::Over
    }

    pub(super) fn release(&self) -> Result<()> {
        let Some(held) = self.files().take() else { return Err(self.lost_error()) };
        self.give_back(held)
    }

    fn give_back(&self, mut held: Files) -> Result<()> {
        let removed = held.peer.remove();
        self.validity.lose(match removed {
            Ok(true) => LostReason::Released,
            Ok(false) => LostReason::Stolen,
            Err(_) => LostReason::Backend,
        });
        let freed = self.free(&held);
        drop(held);
        match removed {
            Ok(true) => freed.map_err(io_error),
            Ok(false) => Err(self.lost_error()),
            Err(error) => Err(io_error(error)),
        }
    }

    /// Tells in the guard file that the lock is free, and notes whether others wait for it.
    fn free(&self, held: &Files) -> io::Result<()> {
        let waited = held.guard.clear_waiting()?;
        held.turn.with_state(|state| {
            state.streak = if waited { state.streak.saturating_add(1) } else { 0 }
        });
        let mut record = held.guard.read()?.or_default();
        record.token = record.token.max(self.token.0);
        record.held = false;
        held.guard.write(&record)
    }

    fn lost_error(&self) -> Error {
        let why = match self.validity.standing() {
            Standing::Lost(reason) => reason.to_string(),
            _ => "it was given back already".to_owned(),
        };
        Error::new(ErrorKind::LockLost, format!("the lock was not held any more: {why}"))
            .with_backend(BACKEND)
    }

    fn files(&self) -> MutexGuard<'_, Option<Files>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The guard's end of a held lock. Dropping it gives the lock back too, without a runtime.
pub(super) struct FsRelease {
    pub(super) held: Arc<Held>,
    pub(super) refresh: AbortHandle,
}

#[async_trait]
impl Release for FsRelease {
    async fn release(self: Box<Self>) -> Result<()> {
        self.held.release()
    }
}

impl Drop for FsRelease {
    fn drop(&mut self) {
        self.refresh.abort();
        let files = self.held.files().take();
        if let Some(files) = files
            && let Err(error) = self.held.give_back(files)
        {
            tracing::warn!(lock = %self.held.names.stem, %error, "a dropped lock was not given back cleanly");
        }
    }
}

#[cfg(test)]
#[path = "held_tests.rs"]
mod tests;
