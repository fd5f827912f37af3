//! A CA that is tried first once a name has failed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use certstore_core::Storage;
use certstore_instant_acme::{
    AccountStore, Ca, Certificate, ChallengeResponder, Error, Issuance, Names, StoredChallenges,
};

use super::responders::Responders;

/// How many names are remembered as failed.
const REMEMBERED: usize = 10_000;

/// A CA that gives certificates nobody trusts, and has generous limits.
pub(super) struct TestCa {
    issuance: Issuance,
    challenges: StoredChallenges,
    responders: Arc<Responders>,
    name: String,
    failed: Mutex<BTreeSet<String>>,
}

impl TestCa {
    pub(super) fn new(
        storage: &Arc<dyn Storage>,
        ca: &Ca,
        accounts: Arc<AccountStore>,
        responder: Arc<dyn ChallengeResponder>,
    ) -> Self {
        let challenges = StoredChallenges::new(Arc::clone(storage), ca);
        let responders = Arc::new(Responders::new(responder));
        let issuance = Issuance::new(accounts, responders.clone());
        let name = ca.issuer().to_owned();
        Self { issuance, challenges, responders, name, failed: Mutex::default() }
    }

    /// What it is called in the storage.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn challenges(&self) -> &StoredChallenges {
        &self.challenges
    }

    pub(super) fn responders(&self) -> &Responders {
        &self.responders
    }

    fn failed(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has names that have failed tried at the test CA, unless a certificate that will do is stored by now.
    pub(super) async fn try_out(
        &self,
        real: &Issuance,
        names: &Names,
        will_do: &(impl Fn(&Certificate) -> bool + Sync),
    ) -> Result<(), Error> {
        if !self.failed().contains(&names.storage_name())
            || real.load(names).await?.is_some_and(|found| will_do(&found))
        {
            return Ok(());
        }
        tracing::info!(%names, "after a failure, the test CA is tried first");
        match self.issuance.obtain_unless(names, |_| false).await {
            // It has found what the real CA would find.
            Err(
                error @ (Error::Rejected { .. }
                | Error::NoChallenge { .. }
                | Error::NoResponder { .. }
                | Error::Responder { .. }),
            ) => Err(error),
            Err(error @ Error::Refused { .. }) if !error.is_retryable() => Err(error),
            Err(error) => {
                let error = certstore_core::one_line(&error);
                tracing::warn!(%names, error, "the test CA cannot be tried; the real one is asked");
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    /// Remembers what has come of an order at the real CA.
    pub(super) fn note(&self, names: &Names, failed: Option<&Error>) {
        let (mut remembered, name) = (self.failed(), names.storage_name());
        match failed {
            // What is not the CA's doing, or no decision of it, would not be another one's.
            Some(Error::Storage(_) | Error::Unusable { .. } | Error::Unanswered { .. }) => {}
            Some(_) if remembered.len() < REMEMBERED => drop(remembered.insert(name)),
            Some(_) => {}
            None => drop(remembered.remove(&name)),
        }
    }
}
