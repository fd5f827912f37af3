//! Which challenges have failed.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use instant_acme::ChallengeType;

use crate::PresentedChallenge;

/// Names whose failures are remembered; beyond it the first one is forgotten.
const REMEMBERED: usize = 10_000;

/// How often which kind has failed for a name since the last success, as far as this process knows: the next order takes
/// another.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<BTreeMap<String, Vec<ChallengeType>>>);

impl Attempts {
    /// The kinds with the fewest failures first, else as they were.
    pub(crate) fn sorted(&self, name: &str, mut kinds: Vec<ChallengeType>) -> Vec<ChallengeType> {
        if let Some(failed) = self.names().get(name) {
            kinds.sort_by_key(|kind| failed.iter().filter(|one| *one == kind).count());
        }
        kinds
    }

    pub(crate) fn failed(&self, challenge: &PresentedChallenge) {
        let (name, mut names) = (challenge.name(), self.names());
        if names.len() >= REMEMBERED && !names.contains_key(&name) {
            names.pop_first();
        }
        let failed = names.entry(name).or_default();
        failed.push(challenge.kind.clone());
        // Enough to tell the kinds from one another.
        if failed.len() > 8 {
            failed.remove(0);
        }
    }

    pub(crate) fn succeeded(&self, challenge: &PresentedChallenge) {
        self.names().remove(&challenge.name());
    }

    fn names(&self) -> MutexGuard<'_, BTreeMap<String, Vec<ChallengeType>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "attempts_tests.rs"]
mod tests;
