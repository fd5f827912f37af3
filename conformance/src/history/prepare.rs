//! What is known of a key's operations before the search.

use std::collections::HashMap;

use super::search::{Entry, Verdict, search};
use super::{Call, Op, Outcome};

/// Steps of a search; a history of sound clients takes a few for each operation.
const LIMIT: usize = 4_000_000;

/// Decides the history of one key.
pub(super) fn decide(ops: &[&Op]) -> Verdict {
    let seen = seen(ops);
    let entries: Vec<Entry<'_>> = ops.iter().filter_map(|op| entry(op, &seen)).collect();
    // Writes that nobody saw are mostly not needed, and cost most: first without them.
    let needed: Vec<Entry<'_>> =
        entries.iter().filter(|entry| entry.completed.is_some()).copied().collect();
    match search(&needed, LIMIT) {
        Verdict::Linearizable => Verdict::Linearizable,
        verdict if !unseen_may_help(&entries) => verdict,
        _ => search(&entries, LIMIT),
    }
}

/// A write that nobody saw explains only a condition that did not hold, or a fence that a plain write took away.
fn unseen_may_help(entries: &[Entry<'_>]) -> bool {
    let unseen = |entry: &&Entry<'_>| entry.completed.is_none();
    let is_fenced = |entry: &Entry<'_>| matches!(entry.call, Call::Fenced { .. });
    let refused = entries.iter().any(|entry| entry.outcome == Outcome::Refused);
    let plain = entries.iter().filter(unseen).any(|entry| !is_fenced(entry));
    (refused && entries.iter().any(|entry| unseen(&entry)))
        || (plain && entries.iter().any(is_fenced))
}

/// When each value was first surely there: an operation that saw it had returned.
fn seen(ops: &[&Op]) -> HashMap<u64, u64> {
    let mut seen = HashMap::new();
    for op in ops {
        let value = match (&op.call, op.outcome) {
            (_, Outcome::Saw(Some(value))) => value,
            (Call::Replace { expected, .. }, Outcome::Done) => *expected,
            _ => continue,
        };
        let first = seen.entry(value).or_insert(op.completed);
        *first = op.completed.min(*first);
    }
    seen
}

/// The operation as the search needs it; `None` when it says nothing.
fn entry<'a>(op: &'a Op, seen: &HashMap<u64, u64>) -> Option<Entry<'a>> {
    let completed = match (&op.call, op.outcome) {
        (Call::Load, Outcome::Saw(_)) => Some(op.completed),
        (Call::Load, _) | (Call::Store { .. } | Call::Fenced { .. }, Outcome::Refused) => {
            return None;
        }
        // It took effect if somebody saw it, and did so before that one returned.
        (call, Outcome::Unknown) => call.value().and_then(|value| seen.get(&value).copied()),
        _ => Some(op.completed),
    };
    Some(Entry { call: &op.call, outcome: op.outcome, invoked: op.invoked, completed })
}
