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
use super::test_ca::TestCa;
use super::{Good, Issuer, Teller, stored};
use crate::dns::DnsResponder;
use crate::{
    Cache, Certificate, DnsChallenge, Error, KeyType, PreferredChain, PrivateKey, Result,
    RevocationReason, subject,
};

/// Gives certificates from an ACME CA (RFC 8555), with the account, the orders and the answers to challenges in the
/// storage: any node of a fleet answers, and any node finishes an order that another began.
pub struct AcmeIssuer {
    issuance: Issuance,
    storage: Arc<dyn Storage>,
    challenges: StoredChallenges,
    responders: Arc<Responders>,
    name: String,
    clock: Arc<dyn Clock>,
    test: Option<TestCa>,
    dns: Option<DnsChallenge>,
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
        let clock = Arc::new(SystemClock);
        Self { issuance, storage, challenges, responders, name, clock, test: None, dns: None }
    }

    /// Orders by this profile of the CA, as `shortlived`.
    #[must_use]
    pub fn with_profile(mut self, profile: impl Into<String>) -> Self {
        self.issuance = self.issuance.with_profile(profile);
        self
    }

    /// Proves DNS names by DNS-01 alone, wildcards among them; IP addresses as before.
    #[must_use]
    pub fn with_dns_challenge(mut self, challenge: DnsChallenge) -> Self {
        self.responders.set_dns(self.dns_responder(&challenge, &self.name));
        if let Some(test) = &self.test {
            test.responders().set_dns(self.dns_responder(&challenge, test.name()));
        }
        self.dns = Some(challenge);
        self
    }

    /// The kind of the certificates' private keys, as [`Issuance::with_key_type`].
    #[must_use]
    pub fn with_key_type(mut self, kind: KeyType) -> Self {
        self.issuance = self.issuance.with_key_type(kind);
        self
    }

    /// Whether private keys are used again, as [`Issuance::with_reused_private_keys`].
    #[must_use]
    pub fn with_reused_private_keys(mut self, reuse: bool) -> Self {
        self.issuance = self.issuance.with_reused_private_keys(reuse);
        self
    }

    /// Brings the private key for a name, as [`Issuance::with_private_key`].
    ///
    /// # Errors
    /// [`Error::Storage`](crate::Error::Storage): the name can have no certificate.
    pub fn with_private_key(mut self, name: &str, key: PrivateKey) -> Result<Self> {
        let names = Names::new([subject(name)?])?;
        self.issuance = self.issuance.with_private_key(&names, key);
        Ok(self)
    }

    /// Whether certificates demand a staple, as [`Issuance::with_must_staple`].
    #[must_use]
    pub fn with_must_staple(mut self, must_staple: bool) -> Self {
        self.issuance = self.issuance.with_must_staple(must_staple);
        self
    }

    /// Which chain is taken where the CA has several, as [`Issuance::with_preferred_chain`].
    #[must_use]
    pub fn with_preferred_chain(mut self, chain: PreferredChain) -> Self {
        self.issuance = self.issuance.with_preferred_chain(chain);
        self
    }

    /// Has a name that has failed tried at this CA first, each time until the real one gives its certificate: what is
    /// broken there counts against no limit. What the test CA gives is stored under the test CA's name, and never served.
    #[must_use]
    pub fn with_test_ca(
        mut self,
        ca: &Ca,
        accounts: Arc<AccountStore>,
        responder: Arc<dyn ChallengeResponder>,
    ) -> Self {
        let test = TestCa::new(&self.storage, ca, accounts, responder);
        if let Some(challenge) = &self.dns {
            test.responders().set_dns(self.dns_responder(challenge, test.name()));
        }
        self.test = Some(test);
        self
    }

    fn dns_responder(&self, challenge: &DnsChallenge, name: &str) -> DnsResponder {
        let (storage, clock) = (Arc::clone(&self.storage), Arc::clone(&self.clock));
        DnsResponder::new(challenge.clone(), storage, name, clock)
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
        stored(&*self.storage, &self.name, &BundleKeys::new(&self.name, subject)?, Teller::Later)
            .await
    }

    async fn obtain(&self, subject: &str, good: Good<'_>) -> Result<Certificate> {
        let now = self.clock.wall();
        let will_do = |found: &certstore_instant_acme::Certificate| {
            // What cannot be served will not do.
            let read = Certificate::of(found.bundle(), Some(&self.name));
            read.is_ok_and(|found| !found.has_expired(now) && good(&found))
        };
        let names = Names::new([subject])?;
        if let Some(test) = &self.test {
            test.try_out(&self.issuance, &names, &will_do)
                .await
                .map_err(|error| told(subject, error))?;
        }
        let obtained = self.issuance.obtain_unless(&names, will_do).await;
        if let Some(test) = &self.test {
            test.note(&names, obtained.as_ref().err());
        }
        let obtained = obtained.map_err(|error| told(subject, error))?;
        Ok(Certificate::of(obtained.certificate.bundle(), Some(&self.name))?)
    }

    fn gives_renewal_info(&self) -> bool {
        true
    }

    async fn refresh_renewal_info(&self, subject: &str) -> Result<Option<SystemTime>> {
        Ok(self.issuance.refresh_renewal_info(&Names::new([subject])?).await?)
    }

    async fn revoke(&self, subject: &str, reason: RevocationReason) -> Result<Certificate> {
        let revoked = self.issuance.revoke(&Names::new([subject])?, reason).await?;
        Ok(Certificate::of(revoked.bundle(), Some(&self.name))?)
    }

    async fn put_private_key_aside(&self, subject: &str, revoked: &Certificate) -> Result<()> {
        let is_it = |found: &certstore_instant_acme::Certificate| {
            let read = Certificate::of(found.bundle(), Some(&self.name));
            read.is_ok_and(|found| found.hash() == revoked.hash())
        };
        Ok(self.issuance.put_private_key_aside(&Names::new([subject])?, is_it).await?)
    }

    async fn http_challenge_answer(&self, host: &str, path: &str) -> Result<Option<String>> {
        let answer = self.challenges.http_answer(host, path).await?;
        match &self.test {
            Some(test) if answer.is_none() => Ok(test.challenges().http_answer(host, path).await?),
            _ => Ok(answer),
        }
    }

    async fn alpn_challenge_answer(&self, server_name: &str) -> Result<Option<AlpnAnswer>> {
        let answer = self.challenges.alpn_answer(server_name).await?;
        match &self.test {
            Some(test) if answer.is_none() => {
                Ok(test.challenges().alpn_answer(server_name).await?)
            }
            _ => Ok(answer),
        }
    }

    fn answer_from(&self, cache: &Arc<Cache>) {
        self.responders.answer_from(cache);
        if let Some(test) = &self.test {
            test.responders().answer_from(cache);
        }
    }
}

/// Where no challenge is answered here for a name, nothing was ordered.
fn told(subject: &str, error: certstore_instant_acme::Error) -> Error {
    if !matches!(error, certstore_instant_acme::Error::NoResponder { .. }) {
        return error.into();
    }
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
