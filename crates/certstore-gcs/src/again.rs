//! Sending again: what may be, how often, and for how long.

use std::future::Future;
use std::time::Duration;

use certstore_core::{OsRandom, Random as _, Result};
use certstore_objects::{Access, silence};
use tokio::time::Instant;

use crate::answer::Answer;
use crate::error::{BACKEND, answer_in};

/// How often a request that may be sent twice is sent at most.
const ATTEMPTS: u32 = 3;

/// How long the first of them waits for the next one.
const BACK_OFF: Duration = Duration::from_millis(100);

/// How long a throttled request waits at first: an object may be written once a second
/// (<https://cloud.google.com/storage/quotas#objects>), and a part of that is over when the refusal is there.
const THROTTLED: Duration = Duration::from_millis(400);

/// The longest of these waits.
const LONGEST: Duration = Duration::from_millis(1_200);

/// What may be done with a request that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sending {
    /// It reads: one that gets no answer in half of the time is sent again.
    Reads,
    /// It writes, and does no harm twice.
    Repeats,
    /// It writes on a condition: it is sent again only where the service says that it did nothing, as it was too much.
    Once,
}

impl Sending {
    fn access(self) -> Access {
        if self == Self::Reads { Access::Read } else { Access::Write }
    }
}

/// Sends a request, again where it may be and there is time within `limit`.
///
/// # Errors
/// Of the last attempt; it may have applied if any attempt may have.
pub(crate) async fn send<T, F>(
    limit: Duration,
    sending: Sending,
    mut request: impl FnMut() -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let end = Instant::now() + limit;
    let (mut tries, mut unclear, mut throttled) = (1, false, THROTTLED);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let share = if sending == Sending::Reads { left.min(limit / 2) } else { left };
        let attempt = tokio::time::timeout(share, request()).await;
        let error = match attempt {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => error,
            Err(_) => silence::too_late(BACKEND, limit, sending.access()),
        };
        unclear |= error.may_have_applied();
        let pause = if answer_in(&error).is_some_and(Answer::is_throttled) {
            let pause = throttled.mul_f64(0.8 + 0.4 * OsRandom.next_unit());
            throttled = throttled.mul_f64(1.5).min(LONGEST);
            Some(pause)
        } else if sending != Sending::Once && error.is_retryable() && tries < ATTEMPTS {
            tries += 1;
            Some(BACK_OFF * (tries - 1))
        } else {
            None
        };
        let left = end.saturating_duration_since(Instant::now());
        match pause.filter(|pause| *pause < left) {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return Err(error.with_may_have_applied(unclear)),
        }
    }
}

#[cfg(test)]
#[path = "again_tests.rs"]
mod tests;
