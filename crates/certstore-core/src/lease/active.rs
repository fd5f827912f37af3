//! A lease that is held: renewing it, handing it on in the process, giving it back.

use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, Notify};

use super::engine::{Engine, Known};
use super::queue::Turn;
use super::record::{Record, State};
use super::register::{Register, Stored, Swap};
use crate::{Error, ErrorKind, FencingToken, LostReason, Release, Result, Standing, Validity};

/// How often a release is tried before the lock is left to its lease.
const RELEASE_ATTEMPTS: u32 = 4;

/// A lease in the hands of one task at a time. Dropped, it is given back in the background.
pub(super) struct Active<R: Register> {
    lease: Option<Arc<Lease<R>>>,
    token: u64,
    validity: Validity,
    handovers_left: u32,
    runtime: Handle,
}

/// What the holder and the renewing task share.
struct Lease<R: Register> {
    engine: Arc<Engine<R>>,
    name: Box<str>,
    /// The task of this process that has it.
    current: StdMutex<Current>,
    acquired: Duration,
    /// The turn of the guard that has it: passed on when the guard ends, or already when its lock is lost.
    turn: StdMutex<Option<Turn<Known, Active<R>>>>,
    /// Renewing and releasing take turns on it.
    held: Mutex<Held>,
    stop: Notify,
}

/// The guard that a lease stands for at the moment.
struct Current {
    token: u64,
    validity: Validity,
}

struct Held {
    stored: Stored,
    /// Renewals whose reply was lost: nonce and time before sending.
    unclear: Vec<(u128, Duration)>,
}

enum Renewal {
    Done,
    Unclear,
    Lost(LostReason),
}

impl<R: Register> Active<R> {
    pub(super) fn start(
        engine: Arc<Engine<R>>,
        name: &str,
        stored: Stored,
        deadline: Duration,
    ) -> Self {
        let validity = Validity::lease(engine.clock.clone(), deadline);
        let token = stored.record.token;
        let handovers_left = stored.record.span.saturating_sub(1);
        let lease = Arc::new(Lease {
            name: name.into(),
            current: StdMutex::new(Current { token, validity: validity.clone() }),
            acquired: engine.clock.monotonic(),
            turn: StdMutex::new(None),
            held: Mutex::new(Held { stored, unclear: Vec::new() }),
            stop: Notify::new(),
            engine,
        });
        tokio::spawn(lease.clone().keep());
        Self { lease: Some(lease), token, validity, handovers_left, runtime: Handle::current() }
    }

    pub(super) fn token(&self) -> FencingToken {
        FencingToken(self.token)
    }

    pub(super) fn validity(&self) -> &Validity {
        &self.validity
    }

    /// The lease with the next token of its span; as it was when it should go back to the backend.
    pub(super) fn hand_over(mut self) -> std::result::Result<Self, Self> {
        // The renewing task lives on the runtime that it was started on, which may end before this one.
        let same_runtime = Handle::current().id() == self.runtime.id();
        let lease = match &self.lease {
            Some(lease) if same_runtime && self.may_hand_over() => lease,
            _ => return Err(self),
        };
        self.token += 1;
        self.handovers_left -= 1;
        self.validity = lease.pass_to(self.token);
        lease.engine.register.handed_over(&lease.name, FencingToken(self.token));
        Ok(self)
    }

    /// Within a bound, so that other processes get their chance.
    fn may_hand_over(&self) -> bool {
        let Some(lease) = &self.lease else { return false };
        let config = &lease.engine.config;
        let age = lease.engine.clock.monotonic().saturating_sub(lease.acquired);
        let left = lease.current().validity.remaining().unwrap_or_default();
        self.handovers_left > 0
            && age < config.lease() / 2
            && left > config.lease() / 10
            && lease.current().validity.standing() == Standing::Held
    }

    /// Whether tasks of this process have had it one after another.
    fn was_shared(&self) -> bool {
        let span = self.lease.as_ref().map_or(0, |lease| lease.engine.config.handovers());
        self.handovers_left < span
    }

    /// Sets the record free; gives what it then is, for the next acquisition.
    pub(super) async fn release(mut self) -> Result<Option<Stored>> {
        match self.lease.take() {
            Some(lease) => {
                let backend = lease.engine.backend;
                lease.release().await.map_err(|error| error.with_backend(backend))
            }
            None => Ok(None),
        }
    }
}

impl<R: Register> Drop for Active<R> {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            self.runtime.spawn(async move {
                if let Err(error) = lease.release().await {
                    tracing::warn!(lock = %lease.name, %error, "a dropped lock could not be released");
                }
            });
        }
    }
}

impl<R: Register> Lease<R> {
    fn current(&self) -> MutexGuard<'_, Current> {
        // Two fields that are only ever replaced: whole after any panic.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self) -> MutexGuard<'_, Option<Turn<Known, Active<R>>>> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn validity(&self) -> Validity {
        self.current().validity.clone()
    }

    /// Ends the guard of the task before, and gives the next one a validity of its own.
    fn pass_to(&self, token: u64) -> Validity {
        let mut current = self.current();
        let next = current.validity.successor();
        current.validity.lose(LostReason::Released);
        *current = Current { token, validity: next.clone() };
        next
    }

    /// Renews until it is stopped or lost. Once lost, the next task of this process may try.
    async fn keep(self: Arc<Self>) {
        if self.renew_until_lost().await {
            let turn = self.turn().take();
            drop(turn);
        }
    }

    /// Whether it was lost; `false` when it is being given back.
    async fn renew_until_lost(&self) -> bool {
        let config = &self.engine.config;
        let mut pause = config.renew();
        loop {
            let validity = self.validity();
            tokio::select! {
                biased;
                () = self.stop.notified() => return false,
                LostReason::Released = validity.lost() => continue,
                _ = validity.lost() => return true,
                () = self.engine.clock.sleep(pause) => {}
            }
            pause = match self.renew().await {
                Renewal::Done => config.renew(),
                Renewal::Unclear => config.request() / 4,
                Renewal::Lost(reason) => {
                    self.validity().lose(reason);
                    return true;
                }
            };
        }
    }

    async fn renew(&self) -> Renewal {
        let mut held = self.held.lock().await;
        let mut record = self.engine.next(&held.stored.record);
        // Shows who has it after a hand-over; the span's end stays.
        let end = record.next_token();
        record.token = self.current().token.max(record.token);
        record.span = u32::try_from(end - record.token).unwrap_or(1);
        let before = self.engine.clock.boottime();
        held.unclear.push((record.write, before));
        match self.engine.swap(&self.name, Some(&held.stored.version), &record).await {
            Ok(Swap::Done(version)) => {
                self.renewed(&mut held, Stored { record, version }, before).await
            }
            Ok(Swap::Conflict) => self.look(&mut held).await,
            Err(error) => {
                tracing::debug!(lock = %self.name, %error, "a renewal failed; trying again until the deadline");
                self.look(&mut held).await
            }
        }
    }

    async fn renewed(&self, held: &mut Held, stored: Stored, before: Duration) -> Renewal {
        held.stored = stored;
        held.unclear.clear();
        if self.validity().extend(before + self.engine.config.hold()) {
            return Renewal::Done;
        }
        // Too late: the guard is lost already and stays so. Free the record for those who wait.
        let free = self.engine.free(&held.stored.record);
        let freed = self.engine.swap(&self.name, Some(&held.stored.version), &free).await;
        self.engine.released(&self.name).await;
        tracing::warn!(lock = %self.name, freed = freed.is_ok(), "a renewal came after the deadline; the lock is lost");
        Renewal::Lost(LostReason::Deadline)
    }

    /// What the record itself says after a conflict or a lost reply.
    async fn look(&self, held: &mut Held) -> Renewal {
        let stored = match self.engine.read(&self.name).await {
            Ok(Some(stored)) => stored,
            Ok(None) => return Renewal::Lost(LostReason::Backend),
            Err(_) => return Renewal::Unclear,
        };
        match held.whose(&stored) {
            Whose::Ours(before) => self.renewed(held, stored, before).await,
            Whose::Unchanged => Renewal::Unclear,
            Whose::Lost(reason) => Renewal::Lost(reason),
        }
    }

    async fn release(&self) -> Result<Option<Stored>> {
        self.stop.notify_one();
        let mut held = self.held.lock().await;
        let validity = self.validity();
        let standing = validity.standing();
        // From here on nobody may rely on it, whether the release succeeds or not.
        validity.lose(LostReason::Released);
        if let Standing::Lost(
            reason @ (LostReason::Stolen | LostReason::Broken | LostReason::Backend),
        ) = standing
        {
            return Err(lost(reason));
        }
        let freed = self.set_free(&mut held).await;
        if freed.is_ok() {
            self.engine.released(&self.name).await;
        }
        match standing {
            Standing::Lost(reason) => Err(lost(reason)),
            _ => freed.map(Some),
        }
    }

    async fn set_free(&self, held: &mut Held) -> Result<Stored> {
        let free = self.engine.free(&held.stored.record);
        let mut failure = None;
        for attempt in 0..RELEASE_ATTEMPTS {
            if attempt > 0 {
                self.engine.clock.sleep(self.engine.config.request() / 4 * attempt).await;
            }
            match self.engine.swap(&self.name, Some(&held.stored.version), &free).await {
                Ok(Swap::Done(version)) => return Ok(Stored { record: free, version }),
                Ok(Swap::Conflict) => {}
                Err(error) => failure = Some(error),
            }
            match self.engine.read(&self.name).await {
                Ok(Some(stored)) if stored.record.write == free.write => return Ok(stored),
                Ok(Some(stored)) => match held.whose(&stored) {
                    Whose::Ours(_) => held.stored = stored,
                    Whose::Unchanged => {}
                    Whose::Lost(reason) => return Err(lost(reason)),
                },
                Ok(None) => return Err(lost(LostReason::Backend)),
                Err(error) => failure = Some(error),
            }
        }
        // To try again does not give a right that is missing: it is told as it is.
        let failure = match failure {
            Some(failure) if !failure.is_retryable() && !failure.may_have_applied() => {
                return Err(failure.with_may_have_applied(true));
            }
            failure => failure,
        };
        let message = "the lock could not be given back; it ends with its lease";
        let error = Error::new(ErrorKind::Unavailable, message).with_may_have_applied(true);
        Err(match failure {
            Some(failure) => error.with_source(failure),
            None => error,
        })
    }
}

enum Whose {
    /// A renewal of ours whose reply was lost, sent at this time.
    Ours(Duration),
    Unchanged,
    Lost(LostReason),
}

impl Held {
    fn whose(&self, stored: &Stored) -> Whose {
        let Record { write, owner, state, seq, .. } = stored.record;
        if let Some((_, before)) = self.unclear.iter().find(|(nonce, _)| *nonce == write) {
            Whose::Ours(*before)
        } else if stored.version == self.stored.version
            || older(owner, state, seq, &self.stored.record)
        {
            Whose::Unchanged
        } else if owner == self.stored.record.owner && state == State::Free {
            Whose::Lost(LostReason::Broken)
        } else {
            Whose::Lost(LostReason::Stolen)
        }
    }
}

/// Whether a read shows an earlier write of the same acquisition: some stores answer reads late.
fn older(owner: u128, state: State, seq: u64, held: &Record) -> bool {
    owner == held.owner && state == State::Held && seq < held.seq
}

fn lost(reason: LostReason) -> Error {
    Error::new(ErrorKind::LockLost, format!("the lock was lost before it was unlocked: {reason}"))
}

/// What a guard does when it is unlocked or dropped.
pub(super) struct Unlock<R: Register>(Active<R>);

impl<R: Register> Unlock<R> {
    pub(super) fn new(active: Active<R>, turn: Turn<Known, Active<R>>) -> Self {
        if let Some(lease) = &active.lease {
            *lease.turn() = Some(turn);
        }
        Self(active)
    }
}

#[async_trait]
impl<R: Register> Release for Unlock<R> {
    async fn release(self: Box<Self>) -> Result<()> {
        let mut active = self.0;
        let turn = active.lease.as_ref().and_then(|lease| lease.turn().take());
        // Without its turn it was lost, and the next task has it already.
        let Some(mut turn) = turn else { return active.release().await.map(drop) };
        if active.may_hand_over() && turn.has_waiters() {
            match turn.pass_with(active) {
                Ok(()) => return Ok(()),
                Err(back) => (turn, active) = back,
            }
        }
        // Others have waited while the lock went round in this process: no head start for the next task of it.
        let stand_back = active.was_shared() && turn.has_waiters();
        let hint = active.release().await?;
        turn.with_state(|known| {
            known.hint = hint.filter(|_| !stand_back);
            known.stand_back = stand_back;
        });
        Ok(())
    }
}
