//! The locker that leases make.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;

use super::active::{Active, Unlock};
use super::queue::{Queue, Turn};
use super::record::{Record, State};
use super::register::{Claim, Look, Register, Stored, Swap};
use super::{Holder, LeaseConfig};
use crate::{
    Clock, Error, ErrorKind, FencingToken, Lock, LockInfo, LockName, Locker, LockerId, OsRandom,
    Random, Result, SystemClock, Version,
};

/// How often a break races a renewal before it gives up.
const BREAK_ATTEMPTS: usize = 8;

/// A [`Locker`] over a [`Register`]. Clones share the queue; each [`new`](Self::new) is a client of its own.
pub struct LeaseLocker<R: Register>(Arc<Engine<R>>);

/// What every part of the engine shares.
pub(super) struct Engine<R: Register> {
    pub(super) register: R,
    pub(super) id: LockerId,
    pub(super) backend: &'static str,
    pub(super) config: LeaseConfig,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) queue: Queue<Known, Active<R>>,
}

/// What a process remembers of a lock between turns.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The free record that our own release wrote: lets the next acquisition skip the read.
    pub(super) hint: Option<Stored>,
    /// A held record, and when it was first seen on [`Clock::monotonic`].
    pub(super) seen: Option<(Stored, Duration)>,
    /// Set when this process has had the lock often enough in a row: others come first once.
    pub(super) stand_back: bool,
}

impl<R: Register> LeaseLocker<R> {
    /// A locker for the locks in `register`. `id` must be the same for all processes that share them.
    pub fn new(register: R, id: LockerId, backend: &'static str, config: LeaseConfig) -> Self {
        Self::with_parts(register, id, backend, config, Arc::new(SystemClock), Arc::new(OsRandom))
    }

    /// The same with a clock and a random source of the caller's.
    pub fn with_parts(
        register: R,
        id: LockerId,
        backend: &'static str,
        config: LeaseConfig,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let queue = Queue::new();
        Self(Arc::new(Engine { register, id, backend, config, clock, random, queue }))
    }

    /// The register underneath.
    #[must_use]
    pub fn register(&self) -> &R {
        &self.0.register
    }

    /// The id that its guards carry.
    #[must_use]
    pub fn id(&self) -> &LockerId {
        &self.0.id
    }

    async fn start(
        &self,
        name: &LockName,
        turn: Turn<Known, Active<R>>,
        wait: bool,
    ) -> Result<Option<Lock>> {
        // The attempt runs in a task of its own: when the caller goes away in the middle of a request, it sees the
        // request to its end and gives back what that brought.
        let (reply, answer) = oneshot::channel();
        let (engine, name) = (self.0.clone(), name.clone());
        tokio::spawn(engine.acquire(name, turn, reply, wait));
        answer.await.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Unavailable, "the attempt was stopped with its runtime"))
        })
    }
}

#[async_trait]
impl<R: Register> Locker for LeaseLocker<R> {
    async fn lock(&self, name: &LockName) -> Result<Lock> {
        let mut turn = self.0.queue.enter(name.as_str()).await;
        if let Some(active) = turn.take_carried() {
            match active.hand_over() {
                Ok(active) => return Ok(self.0.guard(name, active, turn)),
                // Released in the background; the attempt below waits for it like for any holder.
                Err(active) => drop(active),
            }
        }
        let lock = self
            .start(name, turn, true)
            .await
            .map_err(|error| self.0.named(error, "lock", name))?;
        lock.ok_or_else(|| {
            self.0.named(
                Error::new(ErrorKind::Other, "a waiting attempt ended without a lock"),
                "lock",
                name,
            )
        })
    }

    async fn try_lock(&self, name: &LockName) -> Result<Option<Lock>> {
        let Some(turn) = self.0.queue.try_enter(name.as_str()) else { return Ok(None) };
        self.start(name, turn, false).await.map_err(|error| self.0.named(error, "try lock", name))
    }

    async fn locks(&self) -> Result<Vec<LockInfo>> {
        let engine = &self.0;
        engine
            .locks()
            .await
            .map_err(|error| error.with_operation("list the locks").with_backend(engine.backend))
    }

    async fn break_lock(&self, name: &LockName, token: FencingToken) -> Result<()> {
        self.0
            .break_lock(name, token)
            .await
            .map_err(|error| self.0.named(error, "break lock", name))
    }
}

impl<R: Register> Engine<R> {
    pub(super) fn guard(
        self: &Arc<Self>,
        name: &LockName,
        active: Active<R>,
        turn: Turn<Known, Active<R>>,
    ) -> Lock {
        let (token, validity) = (active.token(), active.validity().clone());
        Lock::new(
            name.clone(),
            token,
            self.id.clone(),
            validity,
            Box::new(Unlock::new(active, turn)),
        )
    }

    /// A read within the time-out of a request.
    pub(super) async fn read(&self, name: &str) -> Result<Option<Stored>> {
        self.within(self.register.read(name)).await
    }

    /// A look at a record that was seen before, within the time-out of a request.
    pub(super) async fn look(&self, name: &str, known: Option<Stored>) -> Result<Option<Stored>> {
        let Some(known) = known else { return self.read(name).await };
        match self.within(self.register.look(name, &known)).await? {
            Look::Unchanged => Ok(Some(known)),
            Look::Changed(stored) => Ok(stored),
        }
    }

    /// A claim within the time-out of a request; a time-out may have applied.
    pub(super) async fn claim(&self, name: &str, record: &Record) -> Result<Claim> {
        self.within(self.register.claim(name, record)).await
    }

    /// A write within the time-out of a request; a time-out may have applied.
    pub(super) async fn swap(
        &self,
        name: &str,
        expected: Option<&Version>,
        record: &Record,
    ) -> Result<Swap> {
        self.within(self.register.swap(name, expected, record)).await
    }

    async fn within<T>(&self, request: impl Future<Output = Result<T>>) -> Result<T> {
        let limit = self.config.request();
        tokio::select! {
            biased;
            done = request => done,
            () = self.clock.sleep(limit) => Err(Error::new(
                ErrorKind::Unavailable,
                format!("the lock store did not answer within {} ms", limit.as_millis()),
            )
            .with_may_have_applied(true)),
        }
    }

    /// Wakes those who wait, within the time-out of a request: a lost notice costs them a poll.
    pub(super) async fn released(&self, name: &str) {
        let told = self.within(async {
            self.register.released(name).await;
            Ok(())
        });
        if let Err(error) = told.await {
            tracing::debug!(lock = name, %error, "the notice of a release was not sent");
        }
    }

    async fn locks(&self) -> Result<Vec<LockInfo>> {
        let mut locks = Vec::new();
        for name in self.register.names().await? {
            match self.read(&name).await {
                Ok(Some(Stored { record, .. })) if record.state == State::Held => {
                    locks.push(info(&record));
                }
                Ok(_) => {}
                // One damaged record must not hide the others.
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    tracing::warn!(lock = name, %error, "a lock record cannot be read");
                }
                Err(error) => return Err(error),
            }
        }
        locks.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(locks)
    }

    async fn break_lock(&self, name: &LockName, token: FencingToken) -> Result<()> {
        // Whether a write of ours whose reply was lost may have done it, and the nonces of all that were sent: a store that
        // met its own repeated write calls that a conflict.
        let (mut unclear, mut sent) = (false, Vec::new());
        for _ in 0..BREAK_ATTEMPTS {
            let stored = self
                .read(name.as_str())
                .await
                .map_err(|error| if unclear { error.with_may_have_applied(true) } else { error })?;
            if stored.as_ref().is_some_and(|stored| sent.contains(&stored.record.write)) {
                self.released(name.as_str()).await;
                return Ok(());
            }
            let Some(Stored { record, version }) =
                stored.filter(|stored| stored.record.state == State::Held)
            else {
                if unclear {
                    return Ok(());
                }
                return Err(Error::new(
                    ErrorKind::Conflict,
                    "nobody holds this lock; there is nothing to break",
                ));
            };
            if !record.covers(token) {
                if unclear {
                    return Ok(());
                }
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!(
                        "the lock is held with token {}, not {token}; look again before you break it",
                        record.token
                    ),
                ));
            }
            let free = self.free(&record);
            sent.push(free.write);
            match self.swap(name.as_str(), Some(&version), &free).await {
                Ok(Swap::Done(_)) => {
                    self.released(name.as_str()).await;
                    return Ok(());
                }
                // A renewal came between, or the reply was lost: look again.
                Ok(Swap::Conflict) => {}
                Err(error) if error.may_have_applied() => unclear = true,
                Err(error) if unclear => return Err(error.with_may_have_applied(true)),
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(
            ErrorKind::Conflict,
            "the holder renews the lock faster than it can be broken; it is alive",
        ))
    }

    /// The record that frees `record`. The owner stays, so that a holder can tell a break from a theft.
    pub(super) fn free(&self, record: &Record) -> Record {
        Record { state: State::Free, ..self.next(record) }
    }

    /// The record that follows `record` in the same acquisition.
    pub(super) fn next(&self, record: &Record) -> Record {
        let holder = Holder { updated: self.clock.wall(), ..record.holder.clone() };
        Record { write: self.random.next_u128(), seq: record.seq + 1, holder, ..record.clone() }
    }

    pub(super) fn named(&self, error: Error, operation: &'static str, name: &LockName) -> Error {
        error.with_operation(operation).with_lock(name).with_backend(self.backend)
    }
}

fn info(record: &Record) -> LockInfo {
    let mut info = LockInfo::new(record.name.clone());
    info.token = Some(FencingToken(record.token));
    info.holder = Some(record.holder.name.clone());
    info.since = Some(record.holder.created);
    info.renewed = Some(record.holder.updated);
    info
}

impl<R: Register> Clone for LeaseLocker<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R: Register> fmt::Debug for LeaseLocker<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseLocker")
            .field("id", &self.0.id)
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}
