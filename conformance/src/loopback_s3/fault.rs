//! The fault switches: which requests go wrong, how, and how often.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Op;

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Nothing is done and the connection is closed without a reply.
    LoseRequest,
    /// The request is done, then the connection is closed without a reply.
    LoseReply,
    /// Nothing is done; the reply is 409 `ConditionalRequestConflict`.
    Conflict,
    /// The request is done; the reply is 412 `PreconditionFailed`, as a client sees it whose first attempt was
    /// applied and whose repetition then met its own write. A request that fails by itself keeps its own reply.
    FailAgainstItself,
    /// Nothing is done; the reply is 500 `InternalError`.
    InternalError,
    /// The request is done; the reply is 500 `InternalError`.
    InternalErrorAfter,
    /// Nothing is done; the reply is 503 `SlowDown`.
    SlowDown,
    /// Nothing is done; the reply is 403 `QuotaExceeded`, as Ceph's gateway says it.
    QuotaExceeded,
    /// The request waits before it is done.
    Delay(Duration),
    /// The request is done at once; its reply waits.
    DelayReply(Duration),
    /// The reply has the whole length in its header and half of the body, then the connection is closed.
    TruncateBody,
    /// Conditions of a write are not looked at: a store that keeps no word. On [`Op::DeleteObject`] alone: a store
    /// without conditional deletes.
    IgnoreConditions,
    /// Conditions of a write are judged, then the write follows after this time without another look: a store whose
    /// conditions are right one at a time and lose updates between racers.
    RacyConditions(Duration),
}

/// A fault to switch on: an [`Effect`], the requests it is for, and how often it happens; once unless said otherwise.
///
/// ```
/// use certstore_conformance::loopback_s3::{Effect, Fault, Op};
/// let fault = Fault::new(Effect::LoseReply).on(Op::PutObject).key("*/locks/*").skip(1).times(3);
/// # let _ = fault;
/// ```
#[derive(Debug, Clone)]
pub struct Fault {
    effect: Effect,
    op: Option<Op>,
    key: String,
    conditional: bool,
    skip: u64,
    times: u64,
}

impl Fault {
    /// `effect`, once, for the next request whatever it is.
    #[must_use]
    pub fn new(effect: Effect) -> Self {
        Self { effect, op: None, key: "*".to_owned(), conditional: false, skip: 0, times: 1 }
    }

    /// Only for `op`.
    #[must_use]
    pub fn on(mut self, op: Op) -> Self {
        self.op = Some(op);
        self
    }

    /// Only for keys (prefixes, of lists) like `pattern`, in which `*` stands for any text.
    #[must_use]
    pub fn key(mut self, pattern: &str) -> Self {
        pattern.clone_into(&mut self.key);
        self
    }

    /// Only for requests with `If-Match` or `If-None-Match`.
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

    fn is_for(&self, op: Op, key: &str, conditional: bool) -> bool {
        self.op.is_none_or(|only| only == op)
            && (conditional || !self.conditional)
            && like(self.key.as_bytes(), key.as_bytes())
    }
}

/// A fault that is switched on.
#[derive(Debug, Clone)]
pub struct ArmedFault(Arc<Armed>);

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
struct Armed {
    fault: Fault,
    skip: AtomicU64,
    left: AtomicU64,
    fired: AtomicU64,
}

impl Armed {
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
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<Arc<Armed>>>);

impl Faults {
    pub(super) fn arm(&self, fault: Fault) -> ArmedFault {
        let (skip, left) = (AtomicU64::new(fault.skip), AtomicU64::new(fault.times));
        let armed = Arc::new(Armed { fault, skip, left, fired: AtomicU64::new(0) });
        self.armed().push(Arc::clone(&armed));
        ArmedFault(armed)
    }

    pub(super) fn lift_all(&self) {
        for armed in self.armed().drain(..) {
            armed.left.store(0, Ordering::SeqCst);
        }
    }

    /// What happens to this request: every fault that is for it counts it.
    pub(super) fn take(&self, op: Op, key: &str, conditional: bool) -> Vec<Effect> {
        let mut armed = self.armed();
        let hit = armed.iter().filter(|armed| armed.fault.is_for(op, key, conditional));
        let effects = hit.filter(|armed| armed.take()).map(|armed| armed.fault.effect).collect();
        armed.retain(|armed| armed.left.load(Ordering::SeqCst) > 0);
        effects
    }

    fn armed(&self) -> MutexGuard<'_, Vec<Arc<Armed>>> {
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
