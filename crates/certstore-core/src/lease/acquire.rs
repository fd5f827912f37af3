//! Acquiring: read, judge, write on the version that was judged, and recognise one's own write.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::active::Active;
use super::engine::{Engine, Known};
use super::queue::Turn;
use super::record::{Holder, Record, State, micros, this_process};
use super::register::{Claim, Register, Stored, Swap};
use crate::{Error, Lock, LockName, Result};

/// How often a try that does not wait meets somebody else's write before it answers `None`.
const QUICK_TRIES: u32 = 3;

/// How many failures in a row a waiter that never had an answer takes before it gives up; at once when two requests
/// could have timed out.
const FIRST_FAILURES: u32 = 3;

/// One call of lock or `try_lock`: the writes that it sent and whose fate it may not know.
struct Attempt {
    owner: u128,
    /// Nonce and time before sending, on the holder's clock.
    sent: Vec<(u128, Duration)>,
}

impl Attempt {
    /// When the write that `stored` shows was sent, if it is one of this attempt.
    fn sent_at(&self, stored: &Stored) -> Option<Duration> {
        let own = self.sent.iter().find(|(nonce, _)| *nonce == stored.record.write);
        own.map(|(_, before)| *before)
    }

    /// This write was refused: it will never take effect.
    fn forget(&mut self, write: u128) {
        self.sent.retain(|(nonce, _)| *nonce != write);
    }

    /// As [`forget`](Self::forget), but a request may arrive twice, and the second be refused because of the first.
    fn forget_unless(&mut self, write: u128, holder: &Stored) {
        if holder.record.write != write {
            self.forget(write);
        }
    }
}

enum Try<R: Register> {
    Granted(Active<R>),
    /// Somebody holds it; takeover is possible after this time at the earliest.
    Busy(Duration),
    /// The record changed under our hands.
    Again,
}

impl<R: Register> Engine<R> {
    /// Runs to its end in a task of its own. When the caller has gone (`reply` is closed), whatever was acquired, or may
    /// yet turn out to be, is given back.
    pub(super) async fn acquire(
        self: Arc<Self>,
        name: LockName,
        turn: Turn<Known, Active<R>>,
        mut reply: oneshot::Sender<Result<Option<Lock>>>,
        wait: bool,
    ) {
        let mut attempt = Attempt { owner: self.random.next_u128(), sent: Vec::new() };
        let (poll_min, poll_max) = self.config.poll();
        let (mut poll, mut tries) = (poll_min, 0);
        let (mut answered, mut failures): (Option<Duration>, u32) = (None, 0);
        let patience = self.clock.monotonic() + self.config.request() * 2;
        if turn.with_state(|known| std::mem::take(&mut known.stand_back)) && wait {
            self.clock.sleep(self.jitter(poll_min)).await;
        }
        let outcome = loop {
            let wake = self.register.wake(turn.name());
            let pause = match self.try_once(&turn, &mut attempt).await {
                Ok(Try::Granted(active)) => {
                    // If the caller has gone, the guard comes back and its drop releases.
                    drop(reply.send(Ok(Some(self.guard(&name, active, turn)))));
                    return;
                }
                Ok(Try::Busy(_)) if !wait => break Ok(None),
                Ok(Try::Again) if !wait && tries == QUICK_TRIES => break Ok(None),
                Ok(busy) => {
                    answered = Some(self.clock.monotonic());
                    match busy {
                        Try::Busy(left) => self.jitter(poll).min(left),
                        _ => poll.mul_f64(self.random.next_unit() / 2.0),
                    }
                }
                // A waiter sits out a short outage.
                Err(error)
                    if wait
                        && error.is_retryable()
                        && (self.recent(answered)
                            || (failures < FIRST_FAILURES
                                && self.clock.monotonic() < patience)) =>
                {
                    failures += 1;
                    self.jitter(poll)
                }
                Err(error) => break Err(error),
            };
            tries += 1;
            poll = poll.mul_f64(1.6).min(poll_max);
            tokio::select! {
                biased;
                () = reply.closed() => break Ok(None),
                () = wake => poll = poll_min,
                () = self.clock.sleep(pause) => {}
            }
        };
        self.settle(turn.name(), &attempt).await;
        drop(turn);
        drop(reply.send(outcome));
    }

    async fn try_once(
        self: &Arc<Self>,
        turn: &Turn<Known, Active<R>>,
        attempt: &mut Attempt,
    ) -> Result<Try<R>> {
        if self.register.server_clock() {
            return self.try_claim(turn, attempt).await;
        }
        let name = turn.name();
        let hint = turn.with_state(|known| known.hint.take());
        let current = match hint {
            Some(hint) => Some(hint),
            None => {
                let seen = turn.with_state(|known| known.seen.clone().map(|(stored, _)| stored));
                let read = self.look(name, seen).await?;
                if let Some(judged) = self.judge(turn, read.as_ref(), attempt).await {
                    return Ok(judged);
                }
                read
            }
        };
        let record = self.candidate(name, current.as_ref(), attempt.owner);
        let before = self.clock.boottime();
        attempt.sent.push((record.write, before));
        match self.swap(name, current.as_ref().map(|stored| &stored.version), &record).await {
            Ok(Swap::Done(version)) => {
                Ok(self.granted(name, Stored { record, version }, before).await)
            }
            Ok(Swap::Conflict) => {
                let found = self.read_back(turn, attempt).await?;
                if !matches!(found, Try::Granted(_)) {
                    // Refused, and the record shows it: this write will never take effect.
                    attempt.forget(record.write);
                }
                Ok(found)
            }
            Err(error) => self.after_failure(turn, attempt, error).await,
        }
    }

    /// The server judges by its own clock, in one round trip.
    async fn try_claim(
        self: &Arc<Self>,
        turn: &Turn<Known, Active<R>>,
        attempt: &mut Attempt,
    ) -> Result<Try<R>> {
        let record = self.candidate(turn.name(), None, attempt.owner);
        let before = self.clock.boottime();
        attempt.sent.push((record.write, before));
        match self.claim(turn.name(), &record).await {
            Ok(Claim::Granted(stored)) => Ok(self.granted(turn.name(), stored, before).await),
            Ok(Claim::Held { by, left }) => {
                attempt.forget_unless(record.write, &by);
                Ok(match attempt.sent_at(&by) {
                    // An earlier request of ours, whose reply was lost.
                    Some(before) => self.granted(turn.name(), by, before).await,
                    None => Try::Busy(left),
                })
            }
            Err(error) => self.after_failure(turn, attempt, error).await,
        }
    }

    async fn after_failure(
        self: &Arc<Self>,
        turn: &Turn<Known, Active<R>>,
        attempt: &mut Attempt,
        error: Error,
    ) -> Result<Try<R>> {
        if !error.may_have_applied() {
            attempt.sent.pop();
            return Err(error);
        }
        match self.read_back(turn, attempt).await? {
            // Nobody holds it and our write is not there: what stands is the failure.
            Try::Again => Err(error),
            found => Ok(found),
        }
    }

    /// After a conflict or a lost reply only the record itself can tell.
    async fn read_back(
        self: &Arc<Self>,
        turn: &Turn<Known, Active<R>>,
        attempt: &Attempt,
    ) -> Result<Try<R>> {
        let read = self.read(turn.name()).await?;
        Ok(self.judge(turn, read.as_ref(), attempt).await.unwrap_or(Try::Again))
    }

    /// What a record means for us; `None` when it may be written over.
    async fn judge(
        self: &Arc<Self>,
        turn: &Turn<Known, Active<R>>,
        read: Option<&Stored>,
        attempt: &Attempt,
    ) -> Option<Try<R>> {
        // After the reply: a waiter must not count from before the record was read.
        let now = self.clock.monotonic();
        let stored = read?;
        if let Some(before) = attempt.sent_at(stored) {
            return Some(self.granted(turn.name(), stored.clone(), before).await);
        }
        if stored.record.state == State::Free {
            return None;
        }
        let first_seen = turn.with_state(|known| first_seen(known, stored, now));
        let left = (first_seen + stored.record.lease).saturating_sub(now);
        (!left.is_zero()).then_some(Try::Busy(left))
    }

    /// The record that would make us the holder after `current`.
    fn candidate(&self, name: &str, current: Option<&Stored>, owner: u128) -> Record {
        let now = self.clock.wall();
        let least = current.map_or(1, |stored| stored.record.next_token());
        Record {
            name: name.to_owned(),
            state: State::Held,
            owner,
            write: self.random.next_u128(),
            token: least.max(micros(now)),
            span: self.config.handovers() + 1,
            seq: current.map_or(0, |stored| stored.record.seq + 1),
            lease: self.config.lease(),
            holder: Holder { name: this_process().to_owned(), created: now, updated: now },
        }
    }

    /// The write took effect; it is worth something only if its lease has time left.
    async fn granted(self: &Arc<Self>, name: &str, stored: Stored, before: Duration) -> Try<R> {
        let deadline = before + self.config.hold();
        if self.clock.boottime() + self.config.lease() / 10 < deadline {
            return Try::Granted(Active::start(self.clone(), name, stored, deadline));
        }
        self.give_back(name, &stored).await;
        Try::Again
    }

    /// Frees what an abandoned attempt may have acquired. What lands still later ends with its lease.
    async fn settle(&self, name: &str, attempt: &Attempt) {
        if attempt.sent.is_empty() {
            return;
        }
        if let Ok(Some(stored)) = self.read(name).await
            && attempt.sent_at(&stored).is_some()
        {
            self.give_back(name, &stored).await;
        }
    }

    async fn give_back(&self, name: &str, stored: &Stored) {
        match self.swap(name, Some(&stored.version), &self.free(&stored.record)).await {
            Ok(_) => self.released(name).await,
            Err(error) => {
                tracing::warn!(lock = name, %error, "an abandoned lock ends with its lease");
            }
        }
    }

    fn jitter(&self, pause: Duration) -> Duration {
        pause.mul_f64(0.5 + self.random.next_unit())
    }

    fn recent(&self, answered: Option<Duration>) -> bool {
        answered.is_some_and(|at| self.clock.monotonic() < at + self.config.lease())
    }
}

fn first_seen(known: &mut Known, stored: &Stored, now: Duration) -> Duration {
    match &known.seen {
        Some((seen, at)) if seen.version == stored.version => *at,
        _ => {
            known.seen = Some((stored.clone(), now));
            now
        }
    }
}
