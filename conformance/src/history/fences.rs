//! The strict fence: once a newer holder has the lock, an older one writes no more.

use super::{Call, Grant, Op, Outcome};

/// Fenced writes that were called when a newer holder was known, and done all the same.
pub(super) fn violations(ops: &[Op], grants: &[Grant]) -> Vec<String> {
    // For each name, in the order of time, the newest token that was surely granted by then.
    let mut known: Vec<&Grant> = grants.iter().collect();
    known.sort_by_key(|grant| (&grant.name, grant.first));
    let mut newest: Vec<u64> = Vec::with_capacity(known.len());
    for (at, grant) in known.iter().enumerate() {
        let same = at > 0 && known[at - 1].name == grant.name;
        newest.push(if same { newest[at - 1].max(grant.token) } else { grant.token });
    }
    let mut found = Vec::new();
    for op in ops {
        let (Call::Fenced { name, token, .. }, Outcome::Done) = (&op.call, op.outcome) else {
            continue;
        };
        let by_then =
            known.partition_point(|grant| (&grant.name, grant.first) < (name, op.invoked));
        let last = by_then.checked_sub(1).filter(|last| known[*last].name == *name);
        if let Some(newer) = last.map(|last| newest[last]).filter(|newer| newer > token) {
            found.push(format!(
                "{}: client {} wrote with token {token} of lock {name} after {newer} was granted",
                op.key, op.client
            ));
        }
    }
    found
}
