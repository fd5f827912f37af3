//! A public authority, by ACME.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use certstore::bundle::BundleKeys;
use certstore_core::{Clock, Storage, SystemClock};
use certstore_instant_acme::{
    AccountStore, AlpnAnswer, Ca, ChallengeResponder, Issuance, Names, StoredChallenges,
};

use super::responders::Responders;
use super::{Good, Issuer, stored};
use crate::dns::DnsResponder;
use crate::{Cache, Certificate, DnsChallenge, Error, Result, RevocationReason};

/// Gives certificates from an ACME CA (RFC 8555), with the account, the orders and the answers to challenges in the
/// storage: any node of a fleet answers, and any node finishes an order that another began.
pub struct AcmeIssuer {
    issuance: Issuance,
    storage: Arc<dyn Storage>,
    challenges: StoredChallenges,
    responders: Arc<Responders>,
    name: String,
    clock: Arc<dyn Clock>,
}

impl AcmeIssuer {
    /// Certificates of this CA for the account in `accounts`, which lie in `storage`; `responder` answers its challenges.
    #[must_use]
    pub fn new(
        storage: Arc<dyn Storage>,
        ca: &Ca,
        accounts: Arc<AccountStore>,
        responder: Arc<dyn ChallengeResponder>,
    ) -> Self {
        let responders = Arc::new(Responders::new(responder));
        let (issuance, name) =
            (Issuance::new(accounts, responders.clone()), ca.issuer().to_owned());
        let challenges = StoredChallenges::new(Arc::clone(&storage), ca);
        Self { issuance, storage, challenges, responders, name, clock: Arc::new(SystemClock) }
    }

    /// Orders by this profile of the CA, as `shortlived`.
    #[must_use]
    pub fn with_profile(mut self, profile: impl Into<String>) -> Self {
        self.issuance = self.issuance.with_profile(profile);
        self
    }

    /// Proves DNS names by DNS-01 alone, wildcards among them; IP addresses as before.
    #[must_use]
    pub fn with_dns_challenge(self, challenge: DnsChallenge) -> Self {
        let (storage, clock) = (Arc::clone(&self.storage), Arc::clone(&self.clock));
        self.responders.set_dns(DnsResponder::new(challenge, storage, &self.name, clock));
        self
    }

    /// Another clock, for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}

#[async_trait]
impl Issuer for AcmeIssuer {
    fn name(&self) -> &str {
        &self.name
    }

    async fn load(&self, subject: &str) -> Result<Option<Certificate>> {
        stored(&*self.storage, &self.name, &BundleKeys::new(&self.name, subject)?).await
    }

    async fn obtain(&self, subject: &str, good: Good<'_>) -> Result<Certificate> {
        let now = self.clock.wall();
        let will_do = |found: &certstore_instant_acme::Certificate| {
            // What cannot be served will not do.
            let read = Certificate::of(found.bundle(), Some(&self.name));
            read.is_ok_and(|found| !found.has_expired(now) && good(&found))
        };
        let obtained = self.issuance.obtain_unless(&Names::new([subject])?, will_do).await;
        let obtained = obtained.map_err(|error| match error {
            certstore_instant_acme::Error::NoResponder { .. } => unanswered(subject),
            other => other.into(),
        })?;
        Ok(Certificate::of(obtained.certificate.bundle(), Some(&self.name))?)
    }

    fn gives_renewal_info(&self) -> bool {
        true
    }

    async fn refresh_renewal_info(&self, subject: &str) -> Result<Option<SystemTime>> {
        Ok(self.issuance.refresh_renewal_info(&Names::new([subject])?).await?)
    }

    async fn revoke(&self, subject: &str, reason: RevocationReason) -> Result<()> {
        self.issuance.revoke(&Names::new([subject])?, reason).await?;
        Ok(())
    }

    async fn http_challenge_answer(&self, host: &str, path: &str) -> Result<Option<String>> {
        Ok(self.challenges.http_answer(host, path).await?)
    }

    async fn alpn_challenge_answer(&self, server_name: &str) -> Result<Option<AlpnAnswer>> {
        Ok(self.challenges.alpn_answer(server_name).await?)
    }

    fn answer_from(&self, cache: &Arc<Cache>) {
        self.responders.answer_from(cache);
    }
}

/// No challenge is answered here for a name, and so nothing was ordered.
fn unanswered(subject: &str) -> Error {
    let why = match subject.starts_with("*.") {
        true => "a CA gives wildcards by DNS-01 only; set up a DNS provider",
        false => "all challenges are disabled; leave one on",
    };
    Error::Refused { name: subject.to_owned(), why }
}

impl fmt::Debug for AcmeIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcmeIssuer").field("name", &self.name).finish_non_exhaustive()
    }
}
