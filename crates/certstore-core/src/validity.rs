//! How long a lock is held: the deadline and the one-way loss that guard and renewal share.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::Clock;

/// Why a lock is not held any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LostReason {
    /// It could not be renewed before its deadline.
    Deadline,
    /// The backend shows another holder.
    Stolen,
    /// It was broken by [`break_lock`](crate::Locker::break_lock).
    Broken,
    /// The backend lost or damaged its record.
    Backend,
    /// It was given back, by unlock or drop.
    Released,
}

impl fmt::Display for LostReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deadline => "it was not renewed before its deadline",
            Self::Stolen => "another holder has it",
            Self::Broken => "it was broken on request",
            Self::Backend => "the backend lost its record",
            Self::Released => "it was given back",
        })
    }
}

/// What a lock is worth at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// It is held.
    Held,
    /// Its last proof is too old, but a new proof may still come; do nothing under it until then.
    Unproven,
    /// It is lost for good.
    Lost(LostReason),
}

#[derive(Debug, Clone, Copy)]
struct State {
    deadline: Option<Duration>,
    lost: Option<LostReason>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AtDeadline {
    Lose,
    Suspend,
}

/// Shared by a guard and whoever renews it. Cloning shares.
///
/// The deadline is a point of [`Clock::boottime`]. A [`lease`](Self::lease) is lost once its deadline has come and no
/// late renewal brings it back; a [`proof`](Self::proof) only suspends until it is proven anew.
#[derive(Clone)]
pub struct Validity {
    clock: Arc<dyn Clock>,
    at_deadline: AtDeadline,
    state: watch::Sender<State>,
}

impl Validity {
    /// A lock that ends with its process: it has no deadline.
    #[must_use]
    pub fn unlimited(clock: Arc<dyn Clock>) -> Self {
        Self::with(clock, None, AtDeadline::Lose)
    }

    /// A lease: at `deadline` it is lost for good.
    #[must_use]
    pub fn lease(clock: Arc<dyn Clock>, deadline: Duration) -> Self {
        Self::with(clock, Some(deadline), AtDeadline::Lose)
    }

    /// A lock whose possession must be proven again by `deadline`: past it the lock is unproven, not lost.
    #[must_use]
    pub fn proof(clock: Arc<dyn Clock>, deadline: Duration) -> Self {
        Self::with(clock, Some(deadline), AtDeadline::Suspend)
    }

    fn with(clock: Arc<dyn Clock>, deadline: Option<Duration>, at_deadline: AtDeadline) -> Self {
        Self { clock, at_deadline, state: watch::Sender::new(State { deadline, lost: None }) }
    }

    /// Moves the deadline to `deadline`, never back. Returns whether the lock is held: a lost lock stays lost, and a
    /// lease whose deadline has come is lost by this very call.
    pub fn extend(&self, deadline: Duration) -> bool {
        let now = self.clock.boottime();
        let mut held = false;
        self.state.send_if_modified(|state| {
            if self.settle(state, now) {
                return true;
            }
            held = state.lost.is_none();
            let later = held && state.deadline.is_some_and(|old| old < deadline);
            if later {
                state.deadline = Some(deadline);
            }
            later
        });
        held
    }

    /// Ends it for good. The first reason stands.
    pub fn lose(&self, reason: LostReason) {
        self.state.send_if_modified(|state| {
            let first = state.lost.is_none();
            state.lost.get_or_insert(reason);
            first
        });
    }

    /// What the lock is worth now. Compares clocks; no I/O.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let state = *self.state.borrow();
        match (state.lost, state.deadline) {
            (Some(reason), _) => Standing::Lost(reason),
            (None, Some(deadline)) if self.clock.boottime() >= deadline => match self.at_deadline {
                AtDeadline::Suspend => Standing::Unproven,
                AtDeadline::Lose => {
                    self.lose(LostReason::Deadline);
                    Standing::Lost(self.state.borrow().lost.unwrap_or(LostReason::Deadline))
                }
            },
            _ => Standing::Held,
        }
    }

    /// The same, as a lease of its own: for the next holder in the process.
    pub(crate) fn successor(&self) -> Self {
        let deadline = self.state.borrow().deadline;
        Self::with(self.clock.clone(), deadline, self.at_deadline)
    }

    /// The time left until the deadline; `None` without one.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        let deadline = self.state.borrow().deadline?;
        Some(deadline.saturating_sub(self.clock.boottime()))
    }

    /// Completes when the lock is lost for good.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is kept between calls.
    pub async fn lost(&self) -> LostReason {
        let mut changes = self.state.subscribe();
        loop {
            if let Standing::Lost(reason) = self.standing() {
                return reason;
            }
            let left = (self.at_deadline == AtDeadline::Lose).then(|| self.remaining()).flatten();
            self.change_or(&mut changes, left).await;
        }
    }

    /// Completes when less than `margin` is left before the deadline, or the lock is lost.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is kept between calls.
    pub async fn expiring(&self, margin: Duration) {
        let mut changes = self.state.subscribe();
        loop {
            if self.standing() != Standing::Held {
                return;
            }
            let left = self.remaining();
            if left.is_some_and(|left| left <= margin) {
                return;
            }
            self.change_or(&mut changes, left.map(|left| left - margin)).await;
        }
    }

    async fn change_or(&self, changes: &mut watch::Receiver<State>, time: Option<Duration>) {
        match time {
            None => drop(changes.changed().await),
            // Timers stand still while the machine sleeps, and the deadline does not: look every second.
            Some(time) => tokio::select! {
                biased;
                _ = changes.changed() => {}
                () = self.clock.sleep(time.min(Duration::from_secs(1))) => {}
            },
        }
    }

    /// Loses a lease whose deadline has come; says whether it did.
    fn settle(&self, state: &mut State, now: Duration) -> bool {
        let over = state.lost.is_none()
            && self.at_deadline == AtDeadline::Lose
            && state.deadline.is_some_and(|deadline| now >= deadline);
        if over {
            state.lost = Some(LostReason::Deadline);
        }
        over
    }
}

impl fmt::Debug for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validity")
            .field("standing", &self.standing())
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}
