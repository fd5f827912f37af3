//! The fault switches: which requests go wrong, how, and how often.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A fault to switch on: an effect, the requests it is for, and how often it happens; once unless said otherwise.
///
/// Each server has a name of its own for it, with its own operations `O` and effects `E`.
#[derive(Debug, Clone)]
pub struct Fault<O, E> {
    effect: E,
    op: Option<O>,
    key: String,
    conditional: bool,
    skip: u64,
    times: u64,
}

impl<O: Copy + PartialEq, E> Fault<O, E> {
    /// `effect`, once, for the next request whatever it is.
    #[must_use]
    pub fn new(effect: E) -> Self {
        Self { effect, op: None, key: "*".to_owned(), conditional: false, skip: 0, times: 1 }
    }

    /// Only for `op`.
    #[must_use]
    pub fn on(mut self, op: O) -> Self {
        self.op = Some(op);
        self
    }

    /// Only for keys (prefixes, of lists) like `pattern`, in which `*` stands for any text.
    #[must_use]
    pub fn key(mut self, pattern: &str) -> Self {
        pattern.clone_into(&mut self.key);
        self
    }

    /// Only for requests with a condition.
    #[must_use]
    pub fn conditional(mut self) -> Self {
        self.conditional = true;
        self
    }

    /// The first `n` such requests pass.
    #[must_use]
    pub fn skip(mut self, n: u64) -> Self {
        self.skip = n;
        self
    }

    /// Happens `n` times.
    #[must_use]
    pub fn times(mut self, n: u64) -> Self {
        self.times = n;
        self
    }

    /// Happens to every such request.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(u64::MAX)
    }

    fn is_for(&self, op: O, key: &str, conditional: bool) -> bool {
        self.op.is_none_or(|only| only == op)
            && (conditional || !self.conditional)
            && like(self.key.as_bytes(), key.as_bytes())
    }
}

/// A fault that is switched on.
#[derive(Debug, Clone)]
pub struct ArmedFault(Arc<Counts>);

impl ArmedFault {
    /// How often it happened until now.
    #[must_use]
    pub fn fired(&self) -> u64 {
        self.0.fired.load(Ordering::SeqCst)
    }

    /// Switches it off.
    pub fn lift(&self) {
        self.0.left.store(0, Ordering::SeqCst);
    }
}

#[derive(Debug)]
struct Counts {
    skip: AtomicU64,
    left: AtomicU64,
    fired: AtomicU64,
}

impl Counts {
    /// Whether the fault happens to a request that it is for.
    fn take(&self) -> bool {
        let one_less = |n: u64| n.checked_sub(1);
        if self.skip.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
            return false;
        }
        let one_less = |n: u64| if n == u64::MAX { Some(n) } else { n.checked_sub(1) };
        let taken = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok();
        if taken {
            self.fired.fetch_add(1, Ordering::SeqCst);
        }
        taken
    }
}

/// The faults that are switched on.
pub(crate) struct Faults<O, E>(Mutex<Vec<Armed<O, E>>>);

type Armed<O, E> = (Fault<O, E>, Arc<Counts>);

impl<O, E> Default for Faults<O, E> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<O: fmt::Debug, E: fmt::Debug> fmt::Debug for Faults<O, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<O: Copy + PartialEq, E: Copy> Faults<O, E> {
    pub(crate) fn arm(&self, fault: Fault<O, E>) -> ArmedFault {
        let (skip, left) = (AtomicU64::new(fault.skip), AtomicU64::new(fault.times));
        let counts = Arc::new(Counts { skip, left, fired: AtomicU64::new(0) });
        self.armed().push((fault, Arc::clone(&counts)));
        ArmedFault(counts)
    }

    pub(crate) fn lift_all(&self) {
        for (_, counts) in self.armed().drain(..) {
            counts.left.store(0, Ordering::SeqCst);
        }
    }

    /// What happens to this request: every fault that is for it counts it.
    pub(crate) fn take(&self, op: O, key: &str, conditional: bool) -> Vec<E> {
        let mut armed = self.armed();
        let hit = armed.iter().filter(|(fault, _)| fault.is_for(op, key, conditional));
        let effects =
            hit.filter(|(_, counts)| counts.take()).map(|(fault, _)| fault.effect).collect();
        armed.retain(|(_, counts)| counts.left.load(Ordering::SeqCst) > 0);
        effects
    }

    fn armed(&self) -> MutexGuard<'_, Vec<Armed<O, E>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether `text` is like `pattern`, in which `*` stands for any text.
fn like(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|at| like(rest, &text[at..])),
        Some((byte, rest)) => text.first() == Some(byte) && like(rest, &text[1..]),
    }
}

#[cfg(test)]
#[path = "fault_tests.rs"]
mod tests;
