//! When a lock file that is in the way may be taken, and how.

use std::io;
use std::time::Duration;

use certstore_core::{Clock, Random};

use super::body::Body;
use super::dir::{Found, LocksDir};
use super::names::Names;

/// How long a Go lock file must lie unchanged on our own clock: two refreshes, and some.
const UNCHANGED: Duration = Duration::from_secs(12);

/// How long an empty one must: CertMagic looks eight times, 250 ms apart.
const EMPTY: Duration = Duration::from_secs(2);

/// A Go process that has found a lock file stale deletes whatever lies there a moment later: a lock file put in the
/// place of a stale one is looked at again after this time.
pub(super) const SETTLE: Duration = Duration::from_millis(250);

/// A dead holder's file that stays fresh for this long after it was seen is in no Go process's hands.
const MARGIN: Duration = Duration::from_secs(2);

/// A lock file in the way, and since when it was seen unchanged, by the monotonic clock.
#[derive(Debug, Clone)]
pub(super) struct Observation {
    found: Found,
    since: Duration,
}

/// What is to be done about a lock file, by one who holds the guard file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A Go process holds it, or may: wait, and look again after this time at the latest.
    Wait(Duration),
    /// Its holder is dead. `settle`: a Go process may be about to take it too.
    Dead { settle: bool },
}

/// Judges a lock file. `seen` is what the last look has left.
pub(super) fn judge(found: &Found, seen: &mut Option<Observation>, clock: &dyn Clock) -> Verdict {
    let body = Body::parse(&found.bytes);
    let age = body.age(clock.wall());
    if body.token().is_some() {
        // A live holder of ours would hold the guard file.
        *seen = None;
        return Verdict::Dead { settle: !age.fresh_for(MARGIN) };
    }
    let now = clock.monotonic();
    let unchanged = match seen {
        Some(old) if old.found == *found => now.saturating_sub(old.since),
        _ => {
            *seen = Some(Observation { found: found.clone(), since: now });
            Duration::ZERO
        }
    };
    let wanted = if body == Body::Empty { EMPTY } else { UNCHANGED };
    if unchanged < wanted {
        return Verdict::Wait(wanted - unchanged);
    }
    if age.is_far() {
        return Verdict::Dead { settle: true };
    }
    // It lay unchanged for longer than it says: a clock was stepped. Soon its time is far enough away.
    Verdict::Wait(Duration::from_secs(1))
}

/// Takes away the lock file that was judged; `false` when another has come in its place, which then stays.
pub(super) fn steal(
    dir: &LocksDir,
    names: &Names,
    judged: &Found,
    random: &dyn Random,
) -> io::Result<bool> {
    let Some(taken) = dir.take(&names.lock, random)? else { return Ok(true) };
    let read = taken.read();
    if matches!(&read, Ok(Some(found)) if found == judged) {
        return Ok(true);
    }
    // When the name is taken again already, what we took was given up by its owner.
    dir.link(&taken.name, &names.lock)?;
    read.map(|_| false)
}

#[cfg(test)]
#[path = "takeover_tests.rs"]
mod tests;
