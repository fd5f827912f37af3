//! Getting a lock: the turn in this process, the guard file among certstore processes, the lock file towards Go.
//!
//! Each step's holding ends when its value is dropped, so a future dropped at any await leaves nothing held.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use certstore_core::{Error, ErrorKind, FencingToken, Lock, LockName, LockerId, Result};

use super::dir::{Found, LocksDir};
use super::guard_file::{GuardFile, Record};
use super::held::{Files, FsRelease, Held};
use super::names::Names;
use super::peer_file::PeerFile;
use super::shared::{NameState, NameTurn, Shared};
use super::takeover::{self, SETTLE, Verdict};
use super::wake::Subscription;
use super::{id, refresh};
use crate::error::io_error;

/// The head start of other processes after this one has had the lock too often in a row.
const COURTESY: Duration = Duration::from_millis(2);

/// How long somebody else's look at the guard file can be in the way.
const PROBE: Duration = Duration::from_millis(1);

/// Whether to wait for a lock that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Wait,
    Try,
}

/// How often a try looks whether a fenced write has ended: it lasts microseconds, unless its process was stopped in it.
const TRY_LOOKS: u32 = 100;

/// After so many looks, one that waits says what it waits for, and looks less often.
const QUICK_LOOKS: u32 = 1_000;

/// One attempt to get one lock, from its turn on.
pub(super) struct Attempt {
    shared: Arc<Shared>,
    names: Arc<Names>,
    mode: Mode,
    dir: LocksDir,
    /// Kept over all tries. Freed before the turn passes on.
    guard: GuardFile,
    turn: NameTurn,
}

impl Attempt {
    /// Gets the lock; `None` when it is held and `mode` says not to wait.
    pub(super) async fn run(
        shared: Arc<Shared>,
        name: &LockName,
        names: Names,
        turn: NameTurn,
        mode: Mode,
    ) -> Result<Option<Lock>> {
        if mode == Mode::Wait && turn.with_state(NameState::owes_a_pause) {
            shared.clock.sleep(COURTESY).await;
        }
        let dir = LocksDir::open(&shared.root).map_err(io_error)?;
        let id = id::of(&shared, &dir)?;
        let guard = GuardFile::open(&dir, &names).map_err(io_error)?;
        let mut attempt = Self { shared, names: Arc::new(names), mode, dir, guard, turn };
        if !attempt.guard().await.map_err(io_error)? {
            return Ok(None);
        }
        let peer = attempt.lock_file().await?;
        Ok(peer.map(|peer| attempt.grant(name, id, peer)))
    }

    /// Gets the guard file.
    async fn guard(&mut self) -> io::Result<bool> {
        if self.try_guard()? {
            return Ok(true);
        }
        if self.mode == Mode::Try {
            self.shared.clock.sleep(PROBE).await;
            return self.try_guard();
        }
        self.turn.with_state(|state| state.streak = 0);
        let events = self.events();
        let mut pause = Pause::default();
        while !self.try_guard()? {
            self.guard.mark_waiting()?;
            self.wait(&events, &mut pause, None).await;
        }
        Ok(true)
    }

    /// Takes the guard file if it is free, and makes sure that it is the one that everybody takes.
    fn try_guard(&mut self) -> io::Result<bool> {
        loop {
            let locked = self.guard.try_lock()?;
            if self.guard.is_current(&self.dir, &self.names)? {
                return Ok(locked);
            }
            // The directory was deleted by hand.
            self.dir = LocksDir::open(&self.shared.root)?;
            self.guard = GuardFile::open(&self.dir, &self.names)?;
        }
    }

    /// Puts our lock file in place, holding the guard file.
    async fn lock_file(&mut self) -> Result<Option<PeerFile>> {
        let mut waiting: Option<(Subscription, Pause)> = None;
        loop {
            let Some(found) = self.dir.read(&self.names.lock).map_err(io_error)? else {
                match self.place().await? {
                    Some(peer) => return Ok(Some(peer)),
                    None => continue,
                }
            };
            let judge = |state: &mut NameState| {
                takeover::judge(&found, &mut state.seen, &*self.shared.clock)
            };
            match (self.turn.with_state(judge), &mut waiting) {
                (Verdict::Dead { settle }, _) => {
                    if let Some(peer) = self.take_over(&found, settle).await? {
                        return Ok(Some(peer));
                    }
                }
                (Verdict::Wait(_), _) if self.mode == Mode::Try => {
                    return self.tell_free().map(|()| None).map_err(io_error);
                }
                (Verdict::Wait(longest), Some((events, pause))) => {
                    self.wait(events, pause, Some(longest)).await;
                }
                (Verdict::Wait(_), None) => {
                    self.tell_free().map_err(io_error)?;
                    // Look once more: what came before the subscription was not seen.
                    waiting = Some((self.events(), Pause::default()));
                }
            }
        }
    }

    /// Takes the place of a holder that is dead; `None` when somebody else was faster.
    async fn take_over(&mut self, found: &Found, settle: bool) -> Result<Option<PeerFile>> {
        let (dir, names) = (&self.dir, &self.names);
        if !takeover::steal(dir, names, found, &*self.shared.random).map_err(io_error)? {
            return Ok(None);
        }
        let placed = self.place().await?;
        if let Some(peer) = &placed
            && settle
        {
            tracing::info!(lock = %self.names.stem, "taking over a stale lock file");
            self.shared.clock.sleep(SETTLE).await;
            if !peer.is_ours().map_err(io_error)? {
                return Ok(None);
            }
        }
        Ok(placed)
    }

    /// Takes the next token and puts our lock file in place, if there is none.
    async fn place(&mut self) -> Result<Option<PeerFile>> {
        let mut looks = 0;
        let token = loop {
            if let Some(stripe) = self.shared.tokens.try_lock(&self.names.stem)? {
                let raised = self.raise_token().map_err(io_error)?;
                drop(stripe);
                break raised;
            }
            looks += 1;
            if self.mode == Mode::Try && looks > TRY_LOOKS {
                return Err(stuck());
            }
            if looks == QUICK_LOOKS {
                tracing::warn!(lock = %self.names.stem, "waiting for a process that stopped in a fenced write");
            }
            let pause = if looks < QUICK_LOOKS { PROBE } else { PROBE * 50 };
            self.shared.clock.sleep(pause).await;
        };
        PeerFile::place(&self.shared, &self.dir, &self.names, token).map_err(io_error)
    }

    fn raise_token(&self) -> io::Result<FencingToken> {
        let token = self.guard.read()?.or_default().next_token(self.shared.clock.wall());
        self.guard.write(&self.shared.record(token.0))?;
        Ok(token)
    }

    /// Says in the guard file that no certstore process holds the lock: a dead one may have said otherwise.
    fn tell_free(&self) -> io::Result<()> {
        let record = self.guard.read()?.or_default();
        if record.held { self.guard.write(&Record { held: false, ..record }) } else { Ok(()) }
    }

    /// The guard, and the task that keeps the lock. Nothing is awaited from here on.
    fn grant(self, name: &LockName, id: LockerId, peer: PeerFile) -> Lock {
        let Self { shared, names, turn, dir, guard, .. } = self;
        let token = peer.token();
        turn.with_state(|state| state.seen = None);
        let held = Arc::new(Held::new(shared, dir, names, token, Files { peer, guard, turn }));
        let validity = held.validity.clone();
        let refresh = tokio::spawn(refresh::keep(held.clone())).abort_handle();
        Lock::new(name.clone(), token, id, validity, Box::new(FsRelease { held, refresh }))
    }

    fn events(&self) -> Subscription {
        self.shared.wake.subscribe(&self.dir, &[&self.names.guard, &self.names.lock])
    }

    /// Waits for an event or a time.
    async fn wait(&self, events: &Subscription, pause: &mut Pause, longest: Option<Duration>) {
        let time = pause.next(self.shared.random.next_unit());
        let time = longest.map_or(time, |longest| time.min(longest));
        tokio::select! {
            () = events.changed() => *pause = Pause::default(),
            () = self.shared.clock.sleep(time) => {}
        }
    }
}

fn stuck() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "another process stopped in the middle of a fenced write; resume or end it, and retry",
    )
}

/// The times between looks without an event. Short at first: the kernel tells that a dying process closes a file
/// shortly before it frees the lock.
#[derive(Debug, Default)]
struct Pause {
    looks: i32,
}

impl Pause {
    /// `unit`: a random number from 0 to 1.
    fn next(&mut self, unit: f64) -> Duration {
        let short = 0.001 * 4_f64.powi(self.looks.min(8));
        self.looks = self.looks.saturating_add(1);
        Duration::from_secs_f64(if short < 0.25 { short } else { 0.25 + 0.75 * unit })
    }
}
