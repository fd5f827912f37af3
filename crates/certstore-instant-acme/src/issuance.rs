//! Certificates for a fleet: found where they are stored, or ordered once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use certstore::bundle::BundleKeys;
use certstore_core::{Clock, Key, Lock, Storage, StorageKeys, with_lock};

use crate::attempts::Attempts;
use crate::order::Run;
use crate::private_keys::KeyChoice;
use crate::writer::Writer;
use crate::{
    AccountStore, Ca, Certificate, ChallengeResponder, Error, KeyType, Names, PendingOrder,
    PreferredChain, PrivateKey, Result,
};

/// Longer than a CA needs that answers; short enough that another process does not wait for long behind one that does not.
const LIMIT: Duration = Duration::from_secs(600);

/// Obtains certificates: the one that is stored while it is good, else a new one that one process of the fleet orders.
///
/// * Whoever orders holds CertMagic's lock for the name (`issue_cert_NAME`), and looks again once it has it. Caddy, over
///   the same storage, does likewise.
/// * The certificate's private key is stored before the order is made, and the order's URL before the CA is asked to
///   issue ([`PendingOrder`]). Whoever comes after a crash resumes that order: it makes none of its own.
/// * A storage that does not answer, or takes no write, leads to no order.
/// * When the lock is lost, the work is dropped where it stands. Its writes are fenced where the backend can; the
///   certificate, its key and its metadata are stored as one.
/// * What the CA has given is stored as soon as the storage answers, within two minutes; after that, and after
///   [`with_limit`](Self::with_limit), the next call resumes.
#[derive(Clone)]
pub struct Issuance {
    accounts: Arc<AccountStore>,
    responder: Arc<dyn ChallengeResponder>,
    profile: Option<String>,
    keys: KeyChoice,
    must_staple: bool,
    chain: Option<PreferredChain>,
    limit: Duration,
    attempts: Arc<Attempts>,
}

/// A certificate, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Obtained {
    /// The certificate.
    pub certificate: Certificate,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// It was stored, and the CA was not asked.
    Stored,
    /// From an order that was on its way, of this process or another.
    Resumed,
    /// From an order that this call made.
    Ordered,
}

/// Where all of one certificate lies.
pub(crate) struct Site {
    pub(crate) keys: BundleKeys,
    /// Where its private key goes once it is known to be compromised.
    pub(crate) compromised: Key,
    pub(crate) pending: Key,
}

impl Issuance {
    /// Certificates of the account's CA, in the account's storage; `responder` answers the CA's challenges.
    #[must_use]
    pub fn new(accounts: Arc<AccountStore>, responder: Arc<dyn ChallengeResponder>) -> Self {
        let (profile, keys, must_staple, chain, attempts) = Default::default();
        Self { accounts, responder, profile, keys, must_staple, chain, limit: LIMIT, attempts }
    }

    /// Orders by this profile of the CA.
    #[must_use]
    pub fn with_profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// The kind of the certificates' private keys; P-256 unless set. RSA keys are made with the feature `rsa` only; without
    /// it, bring each by [`with_private_key`](Self::with_private_key), or have those used again that are stored.
    #[must_use]
    pub fn with_key_type(mut self, kind: KeyType) -> Self {
        self.keys.kind = kind;
        self
    }

    /// Whether a renewal is for the private key of the certificate before, where that is of the
    /// [kind](Self::with_key_type) that is wanted; a new one each time unless set.
    #[must_use]
    pub fn with_reused_private_keys(mut self, reuse: bool) -> Self {
        self.keys.reuse = reuse;
        self
    }

    /// Brings the private key for the certificate for these names, of any kind.
    #[must_use]
    pub fn with_private_key(mut self, names: &Names, key: PrivateKey) -> Self {
        self.keys.imported.insert(names.storage_name(), key);
        self
    }

    /// Whether certificates demand a staple of OCSP (RFC 7633, must-staple). A CA without OCSP refuses such orders, as
    /// Let's Encrypt does.
    #[must_use]
    pub fn with_must_staple(mut self, must_staple: bool) -> Self {
        self.must_staple = must_staple;
        self
    }

    /// Which chain is taken where the CA has several for a certificate; its first unless set.
    #[must_use]
    pub fn with_preferred_chain(mut self, chain: PreferredChain) -> Self {
        self.chain = Some(chain);
        self
    }

    /// How long one call may hold the lock; 10 minutes unless set.
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The certificate for these names: the stored one until a third of its lifetime is left, else a new one.
    ///
    /// # Errors
    /// [`Error::Storage`]: the storage failed, the lock was lost, or the names give no key. Any other: of the CA, its
    /// challenges, or the account.
    ///
    /// # Cancel safety
    /// Dropped, the lock is released in the background, and the next call resumes the order, if one was made.
    pub async fn obtain(&self, names: &Names) -> Result<Obtained> {
        let now = self.clock().wall();
        self.obtain_unless(names, |stored| !stored.is_due(now)).await
    }

    /// The stored certificate if it is for these names and `good`, else a new one. It is looked at twice, before the lock
    /// is taken and under it.
    ///
    /// # Errors
    /// As [`obtain`](Self::obtain).
    ///
    /// # Cancel safety
    /// As [`obtain`](Self::obtain).
    pub async fn obtain_unless(
        &self,
        names: &Names,
        good: impl Fn(&Certificate) -> bool + Send + Sync,
    ) -> Result<Obtained> {
        let site = self.site(names)?;
        let stored = Certificate::load(&**self.storage(), &site.keys, false).await?;
        if let Some(found) = Self::found(stored, names, &good) {
            return Ok(found);
        }
        let work = async |guard: &Lock| {
            // Whoever had the lock before may have stored it.
            let stored = Certificate::load(&**self.storage(), &site.keys, true).await?;
            let run = Run { issuance: self, site: &site, names, guard, stored: stored.as_ref() };
            match Self::found(stored.clone(), names, &good) {
                Some(found) => {
                    run.clear().await;
                    Ok(found)
                }
                None => {
                    tokio::select! {
                        biased;
                        done = run.to_the_end() => done,
                        () = self.clock().sleep(self.limit) => Err(Error::TimedOut { step: "issue" }),
                    }
                }
            }
        };
        with_lock(&**self.storage(), site.keys.lock(), work).await?
    }

    /// The certificate that is stored for these names, good or not; the CA is not asked.
    ///
    /// # Errors
    /// [`Error::Storage`]: the storage failed, or the names give no key.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub async fn load(&self, names: &Names) -> Result<Option<Certificate>> {
        Certificate::load(&**self.storage(), &self.site(names)?.keys, false).await
    }

    fn found(
        stored: Option<Certificate>,
        names: &Names,
        good: &(impl Fn(&Certificate) -> bool + Send + Sync),
    ) -> Option<Obtained> {
        let found = stored.filter(|stored| stored.covers(names) && good(stored));
        found.map(|certificate| Obtained { certificate, origin: Origin::Stored })
    }

    pub(crate) fn site(&self, names: &Names) -> Result<Site> {
        let issuer = self.ca().issuer();
        Ok(Site {
            keys: BundleKeys::new(issuer, &names.storage_name())?,
            compromised: StorageKeys::site_compromised_key(issuer, &names.storage_name())?,
            pending: PendingOrder::key(issuer, names)?,
        })
    }

    pub(crate) fn accounts(&self) -> &AccountStore {
        &self.accounts
    }

    pub(crate) fn responder(&self) -> &dyn ChallengeResponder {
        &*self.responder
    }

    pub(crate) fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    pub(crate) fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    pub(crate) fn keys(&self) -> &KeyChoice {
        &self.keys
    }

    pub(crate) fn chain(&self) -> Option<&PreferredChain> {
        self.chain.as_ref()
    }

    pub(crate) fn must_staple(&self) -> bool {
        self.must_staple
    }

    pub(crate) fn ca(&self) -> &Ca {
        self.accounts.ca()
    }

    pub(crate) fn storage(&self) -> &Arc<dyn Storage> {
        self.accounts.storage()
    }

    pub(crate) fn writer<'a>(&'a self, guard: &'a Lock) -> Writer<'a> {
        Writer { storage: &**self.storage(), guard, clock: self.clock() }
    }

    fn clock(&self) -> &dyn Clock {
        self.ca().clock()
    }
}

impl fmt::Debug for Issuance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuance")
            .field("accounts", &self.accounts)
            .field("profile", &self.profile)
            .field("key_type", &self.keys.kind)
            .field("must_staple", &self.must_staple)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "issuance_tests.rs"]
mod tests;
