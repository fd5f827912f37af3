//! The service's quotas of requests a second, kept on this side: a burst waits here instead of being refused there.
//! <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html>
//!
//! Not a plain token bucket, which lets a full bucket and a second's refill through within one second: at most so many
//! requests leave within any window. Turns are given in the order they are asked for, so that one can be refused at once
//! that would come too late.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use certstore_core::{Clock, Error, ErrorKind, Result, SystemClock};

use crate::config::SecretsManagerConfig;
use crate::error::{Access, BACKEND};

/// A second, and a tenth more: some requests take longer on their way than those behind them.
const WINDOW: Duration = Duration::from_millis(1_100);

/// The requests that share a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quota {
    /// Values and labels are read at thousands a second: no client comes near.
    Read,
    List,
    /// New versions, and moves of labels.
    Value,
    Create,
    Delete,
    Restore,
}

/// How many kinds there are.
const QUOTAS: usize = 6;

impl Quota {
    /// What a request of this kind is for.
    pub(crate) fn access(self) -> Access {
        if matches!(self, Self::Read | Self::List) { Access::Read } else { Access::Write }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Read => "reads",
            Self::List => "lists",
            Self::Value => "writes of versions and labels",
            Self::Create => "new secrets",
            Self::Delete => "deletes",
            Self::Restore => "restores",
        }
    }
}

/// Gives requests their turns. Shared by all clients that come from one another.
pub(crate) struct Rate {
    clock: Arc<dyn Clock>,
    writes: usize,
    lists: usize,
    /// When the last requests of each quota had, or will have, their turn, in order.
    turns: Mutex<[VecDeque<Duration>; QUOTAS]>,
}

impl Rate {
    pub(crate) fn new(config: &SecretsManagerConfig) -> Self {
        Self::with_clock(config, Arc::new(SystemClock))
    }

    fn with_clock(config: &SecretsManagerConfig, clock: Arc<dyn Clock>) -> Self {
        let limit = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        let (writes, lists) =
            (limit(config.max_writes_per_second), limit(config.max_lists_per_second));
        Self { clock, writes, lists, turns: Mutex::default() }
    }

    /// Waits for a turn. An urgent request goes at once; those behind it wait longer instead.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`]: it would come after `patience`. Nothing is sent then.
    pub(crate) async fn turn(&self, quota: Quota, urgent: bool, patience: Duration) -> Result<()> {
        let pause = self.reserve(quota, urgent, patience)?;
        if !pause.is_zero() {
            self.clock.sleep(pause).await;
        }
        Ok(())
    }

    /// How long until the turn.
    fn reserve(&self, quota: Quota, urgent: bool, patience: Duration) -> Result<Duration> {
        let limit = match quota {
            Quota::Read => 0,
            Quota::List => self.lists,
            _ => self.writes,
        };
        if limit == 0 {
            return Ok(Duration::ZERO);
        }
        let now = self.clock.monotonic();
        let mut all = self.turns();
        let turns = &mut all[quota as usize];
        let free = turns.len().checked_sub(limit).map_or(now, |at| turns[at] + WINDOW);
        let turn = if urgent { now } else { now.max(free) };
        let pause = turn - now;
        if pause > patience {
            return Err(too_many(quota, limit));
        }
        turns.insert(turns.partition_point(|before| *before <= turn), turn);
        if turns.len() > limit {
            turns.pop_front();
        }
        Ok(pause)
    }

    fn turns(&self) -> MutexGuard<'_, [VecDeque<Duration>; QUOTAS]> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rate").finish_non_exhaustive()
    }
}

fn too_many(quota: Quota, limit: usize) -> Error {
    let option =
        if quota == Quota::List { "max_lists_per_second" } else { "max_writes_per_second" };
    let message = format!(
        "more {} wait than can be sent within the time-out at {limit} a second, the service's quota; do less at once, raise \
         timeout, or {option} where the quota is higher",
        quota.words()
    );
    Error::new(ErrorKind::Unavailable, message).with_backend(BACKEND)
}

#[cfg(test)]
#[path = "rate_tests.rs"]
mod tests;
