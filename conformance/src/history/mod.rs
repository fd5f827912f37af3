//! Recorded histories, and whether any order of the operations explains them.
//!
//! Clients [record](run()) when each operation was called, when it returned and with what. [`History::violations`] then
//! judges:
//!
//! * **Values.** For every key there must be one order of its loads, stores, conditional and fenced stores that agrees
//!   with all results and with real time: an operation that returned before another was called comes first
//!   (linearizability, decided by Wing and Gong's search with memoisation). A write whose outcome is unknown may have
//!   taken effect at any time after its call, or never.
//! * **Locks.** At most one client holds a lock; tokens strictly grow; a lost lease frees.
//! * **Fences.** An older token never writes after a newer one has. With a strict fence, not even after a newer one
//!   was granted.
//! * **Versions.** A version stands for one value, and a value that is written once has one version.
//!
//! Every value is written once, which keeps the search short: a load says which write it saw.

mod client;
mod dice;
mod fences;
mod locks;
mod log;
mod op;
mod parse;
mod prepare;
mod register;
mod run;
mod search;
#[cfg(test)]
mod tests;
mod value;
mod versions;

use std::collections::BTreeMap;

use certstore_core::Fence;

pub(crate) use client::{Client, Plan};
pub(crate) use dice::{Dice, chosen_seed};
#[cfg(unix)]
pub(crate) use locks::handovers;
pub(crate) use log::Recorder;
pub use op::{Call, Grant, History, Op, Outcome, Summary};
pub use run::{Options, Report, run};

#[doc(hidden)]
pub use run::test;

use search::Verdict;

/// How many violations are told.
const TOLD: usize = 8;

impl History {
    /// What no order of the operations explains, one line each; empty when all is well. Of many, the first few.
    ///
    /// `fence` is what the backend declares. A key whose history is too tangled to be decided is a
    /// violation that says so.
    #[must_use]
    pub fn violations(&self, fence: Fence) -> Vec<String> {
        let mut found = self.odd.clone();
        found.extend(locks::violations(&self.grants));
        found.extend(versions::violations(&self.ops));
        if fence == Fence::Strict {
            found.extend(fences::violations(&self.ops, &self.grants));
        }
        let mut keys: BTreeMap<&str, Vec<&Op>> = BTreeMap::new();
        for op in &self.ops {
            keys.entry(&op.key).or_default().push(op);
        }
        for (key, ops) in keys {
            match prepare::decide(&ops) {
                Verdict::Linearizable => {}
                Verdict::Undecided(why) => {
                    found.push(format!("{key} has no order that a long search finds: {why}"));
                }
                Verdict::Not(why) => found.push(format!("{key} is not linearizable: {why}")),
            }
        }
        let more = found.len().saturating_sub(TOLD);
        found.truncate(TOLD);
        if more > 0 {
            found.push(format!("and {more} more"));
        }
        found
    }
}
