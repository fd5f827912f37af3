//! Points of time that holder and supervisor both understand.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A point of the clock that goes on while the machine sleeps, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deadline(u64);

#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOCK: ClockId = ClockId::Boottime;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOCK: ClockId = ClockId::Monotonic;

/// A deadline that moved by less than this has not moved: reading two clocks takes a moment.
const SAME: u64 = 50_000_000;

impl Deadline {
    /// The point `left` from now.
    pub(super) fn after(left: Duration) -> Self {
        Self(now().saturating_add(u64::try_from(left.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// The time until then; zero once it has come.
    pub(super) fn left(self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(now()))
    }

    pub(super) fn is_about(self, other: Self) -> bool {
        self.0.abs_diff(other.0) < SAME
    }

    pub(super) fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    pub(super) fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }
}

fn now() -> u64 {
    let now = clock_gettime(CLOCK);
    let part = |number: i64| u64::try_from(number).unwrap_or(0);
    part(now.tv_sec).saturating_mul(1_000_000_000).saturating_add(part(now.tv_nsec))
}

#[cfg(test)]
mod tests {
    use super::Deadline;
    use std::time::Duration;

    #[test]
    fn a_deadline_survives_the_pipe_and_runs_out() {
        let deadline = Deadline::after(Duration::from_secs(5));
        let read = Deadline::from_bytes(deadline.to_bytes());
        assert_eq!(read, deadline);
        assert!(read.left() <= Duration::from_secs(5) && read.left() > Duration::from_secs(4));
        assert_eq!(Deadline::after(Duration::ZERO).left(), Duration::ZERO);
        assert!(!deadline.is_about(Deadline::after(Duration::from_secs(6))));
    }
}
