//! The model of a lock: at most one holder, and tokens that grow.

use std::collections::BTreeMap;

use super::Grant;

/// Each possession covers the time from its first to its last good check. In the order of their tokens these times
/// must follow each other; whoever lost the lock, or died, held it no longer than until its last good check.
pub(super) fn violations(grants: &[Grant]) -> Vec<String> {
    let mut names: BTreeMap<&str, Vec<&Grant>> = BTreeMap::new();
    for grant in grants {
        names.entry(&grant.name).or_default().push(grant);
    }
    let mut found = Vec::new();
    for (name, mut grants) in names {
        grants.sort_by_key(|grant| (grant.token, grant.first));
        let mut latest: Option<&Grant> = None;
        for grant in grants {
            if let Some(before) = latest {
                found.extend(fault(before, grant).map(|fault| format!("lock {name}: {fault}")));
            }
            if latest.is_none_or(|before| before.last < grant.last) {
                latest = Some(grant);
            }
        }
    }
    found
}

/// What is wrong with a grant that comes after another by its token.
fn fault(before: &Grant, grant: &Grant) -> Option<String> {
    let (one, two) = (before.client, grant.client);
    let (first, second) = (before.token, grant.token);
    if first == second {
        return Some(format!("clients {one} and {two} were both given token {first}"));
    }
    if grant.first >= before.last {
        return None;
    }
    let micros = (before.last - grant.first) / 1000;
    Some(if grant.first < before.first {
        format!("token {first} of client {one} came after {second} of client {two}")
    } else {
        format!(
            "client {two} got it with token {second} while client {one} held it with {first}, for {micros} us more"
        )
    })
}

/// Times in nanoseconds from the giving back of a lock to the next holder, where that one was waiting already. Sorted.
pub(crate) fn handovers(grants: &[Grant]) -> Vec<u64> {
    let mut grants: Vec<&Grant> = grants.iter().collect();
    grants.sort_by_key(|grant| (&grant.name, grant.token));
    let mut times: Vec<u64> = grants
        .windows(2)
        .filter(|pair| pair[0].name == pair[1].name && pair[0].client != pair[1].client)
        .filter_map(|pair| {
            let freed = pair[0].freed.filter(|freed| pair[1].asked < *freed)?;
            pair[1].first.checked_sub(freed)
        })
        .collect();
    times.sort_unstable();
    times
}
