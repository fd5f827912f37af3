//! Versions and values belong together one to one, since every value is written once.

use std::collections::HashMap;

use super::{Op, Outcome};

/// Versions that stood for two values, and values that had two versions.
pub(super) fn violations(ops: &[Op]) -> Vec<String> {
    let mut value_of: HashMap<(&str, u64), u64> = HashMap::new();
    let mut version_of: HashMap<(&str, u64), u64> = HashMap::new();
    let mut found = Vec::new();
    for op in ops {
        let value = match op.outcome {
            Outcome::Saw(value) => value,
            Outcome::Done => op.call.value(),
            Outcome::Refused | Outcome::Unknown => None,
        };
        let (Some(value), Some(version)) = (value, op.version) else { continue };
        let other = *value_of.entry((&op.key, version)).or_insert(value);
        if other != value {
            found.push(format!("{}: one version stood for values {other} and {value}", op.key));
        }
        if *version_of.entry((&op.key, value)).or_insert(version) != version {
            found.push(format!("{}: value {value} had two versions", op.key));
        }
    }
    found
}
