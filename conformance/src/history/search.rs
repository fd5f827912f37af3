//! Wing and Gong's search for an order that explains the history of one key, with memoisation as Lowe describes it.

use std::collections::HashSet;

use super::dice::mixed;
use super::register::State;
use super::{Call, Outcome};

/// An operation as the search sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) call: &'a Call,
    pub(super) outcome: Outcome,
    pub(super) invoked: u64,
    /// `None`: it may be left out.
    pub(super) completed: Option<u64>,
}

/// What the search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Linearizable,
    /// There is no order; the text says where the longest one ends.
    Not(String),
    /// The limit came first; the text says where the longest order until then ends.
    Undecided(String),
}

/// A call or a return, in a list by time. What is ordered already is taken out.
struct Events {
    op: Vec<usize>,
    is_return: Vec<bool>,
    next: Vec<usize>,
    previous: Vec<usize>,
    call_of: Vec<usize>,
    return_of: Vec<Option<usize>>,
}

/// The place before the first event.
const HEAD: usize = 0;

impl Events {
    fn of(entries: &[Entry<'_>]) -> Self {
        let mut times: Vec<(u64, bool, usize)> = Vec::with_capacity(entries.len() * 2);
        for (op, entry) in entries.iter().enumerate() {
            times.push((entry.invoked, false, op));
            times.extend(entry.completed.map(|at| (at.max(entry.invoked), true, op)));
        }
        // At the same time calls come first: then the two operations overlap.
        times.sort_unstable();
        let count = times.len() + 1;
        let mut events = Self {
            op: vec![usize::MAX],
            is_return: vec![false],
            next: (1..=count).collect(),
            previous: (0..=count).map(|at| at.saturating_sub(1)).collect(),
            call_of: vec![0; entries.len()],
            return_of: vec![None; entries.len()],
        };
        for (at, (_, is_return, op)) in times.into_iter().enumerate() {
            events.op.push(op);
            events.is_return.push(is_return);
            if is_return {
                events.return_of[op] = Some(at + 1);
            } else {
                events.call_of[op] = at + 1;
            }
        }
        events
    }

    fn unlink(&mut self, at: usize) {
        let (previous, next) = (self.previous[at], self.next[at]);
        self.next[previous] = next;
        self.previous[next] = previous;
    }

    fn relink(&mut self, at: usize) {
        let (previous, next) = (self.previous[at], self.next[at]);
        self.next[previous] = at;
        self.previous[next] = at;
    }

    fn take(&mut self, op: usize) {
        self.unlink(self.call_of[op]);
        if let Some(at) = self.return_of[op] {
            self.unlink(at);
        }
    }

    fn put_back(&mut self, op: usize) {
        if let Some(at) = self.return_of[op] {
            self.relink(at);
        }
        self.relink(self.call_of[op]);
    }
}

/// A number of 128 bits for an operation; a set of them is known by their sum without carry.
fn mark(op: usize) -> u128 {
    let low = mixed(op as u64 + 1);
    (u128::from(mixed(low ^ 0x5bd1_e995)) << 64) | u128::from(low)
}

/// Looks for an order, in at most `limit` steps.
pub(super) fn search(entries: &[Entry<'_>], limit: usize) -> Verdict {
    let mut events = Events::of(entries);
    let mut left = entries.iter().filter(|entry| entry.completed.is_some()).count();
    let mut tried: HashSet<(u128, State<'_>)> = HashSet::new();
    let mut order: Vec<(usize, State<'_>)> = Vec::new();
    let (mut done, mut state) = (0_u128, State::default());
    let mut longest: Option<(usize, String)> = None;
    let mut at = events.next[HEAD];
    for _ in 0..limit {
        if left == 0 {
            return Verdict::Linearizable;
        }
        // Some operation must still return, so the list does not end before that return.
        let op = events.op[at];
        if !events.is_return[at] {
            let after = state.after(entries[op].call, entries[op].outcome);
            if let Some(after) = after.filter(|after| tried.insert((done ^ mark(op), *after))) {
                order.push((op, state));
                (state, done) = (after, done ^ mark(op));
                left -= usize::from(entries[op].completed.is_some());
                events.take(op);
                at = events.next[HEAD];
            } else {
                at = events.next[at];
            }
            continue;
        }
        if longest.as_ref().is_none_or(|(length, _)| order.len() > *length) {
            longest = Some((order.len(), stuck(entries, &order, state, op)));
        }
        let Some((last, before)) = order.pop() else {
            return Verdict::Not(longest.map(|(_, text)| text).unwrap_or_default());
        };
        (state, done) = (before, done ^ mark(last));
        left += usize::from(entries[last].completed.is_some());
        events.put_back(last);
        at = events.next[events.call_of[last]];
    }
    Verdict::Undecided(longest.map(|(_, text)| text).unwrap_or_default())
}

/// Says what cannot be ordered after the last few that could.
fn stuck(
    entries: &[Entry<'_>],
    order: &[(usize, State<'_>)],
    state: State<'_>,
    op: usize,
) -> String {
    let start = entries.iter().map(|entry| entry.invoked).min().unwrap_or(0);
    let shown = |op: usize| {
        let Entry { call, outcome, invoked, completed } = &entries[op];
        let millis = |at: u64| at.saturating_sub(start) as f64 / 1e6;
        let end = completed.map_or("..".to_owned(), |at| format!("{:.3}", millis(at)));
        format!("{call:?} {outcome:?} at {:.3}..{end} ms", millis(*invoked))
    };
    let before: Vec<String> = order.iter().rev().take(3).rev().map(|(op, _)| shown(*op)).collect();
    format!("{} has no place: {state:?} after [{}]", shown(op), before.join(", "))
}
