//! Certificates that are taken back.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use certstore_core::{Error as StorageError, ErrorKind};

use super::Config;
use super::names::State;
use crate::{Certificate, Event, Issuer, Result, RevocationReason, subject};

/// The certificates that this process had revoked, by their hashes.
#[derive(Default)]
pub(super) struct Revoked(Mutex<HashSet<String>>);

impl Revoked {
    fn add(&self, certificate: &Certificate) {
        self.hashes().insert(certificate.hash().to_owned());
    }

    pub(super) fn has(&self, certificate: &Certificate) -> bool {
        self.hashes().contains(certificate.hash())
    }

    fn hashes(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Config {
    /// Has the stored certificate for a name revoked, by each issuer that has given one, and deletes it with its private
    /// key. Handshakes get it no more, and the name is managed no more: whoever wants another certificate, which has
    /// another key, says so by [`manage`](Self::manage) or [`obtain_cert`](Self::obtain_cert).
    ///
    /// Of a fleet, one node does it. The others that manage the name obtain another certificate, with another key, as soon as the
    /// storage tells them or once they look at it; until then they serve the old one, unless its key is compromised.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::Error::Storage): the name can have no certificate, none is stored (`NotFound`), the
    /// storage failed, or the lock was lost. [`Error::NotRevoked`](crate::Error::NotRevoked): the issuer revokes nothing.
    /// Else of the CA. The certificate whose revocation failed stays, and so does the name.
    ///
    /// # Cancel safety
    /// Dropped, the certificate may be revoked and stored still; the next call deletes it.
    pub async fn revoke_cert(&self, name: &str, reason: RevocationReason) -> Result<()> {
        let subject = subject(name)?;
        let mut issuers = Vec::new();
        for issuer in &self.0.issuers {
            if issuer.load(&subject).await?.is_some() {
                issuers.push(issuer);
            }
        }
        if issuers.is_empty() {
            let none =
                StorageError::new(ErrorKind::NotFound, "no certificate is stored for this name");
            return Err(none.with_subject(subject).into());
        }
        // Maintenance would obtain another one as soon as the storage tells that it is gone.
        let managed = SetApart::new(self, &subject);
        let mut failed = Ok(());
        for issuer in issuers {
            match issuer.revoke(&subject, reason).await {
                Ok(revoked) => {
                    self.0.revoked.add(&revoked);
                    self.forget(&subject, &**issuer);
                }
                // The others are revoked all the same.
                Err(error) => failed = failed.and(Err(error)),
            }
        }
        failed?;
        managed.for_good();
        self.tell(&Event::Revoked { subject: &subject, reason });
        Ok(())
    }

    /// Handshakes get no certificate for just this name from this issuer any more.
    pub(super) fn forget(&self, subject: &str, issuer: &dyn Issuer) {
        for found in self.0.cache.certificates_of(subject) {
            if found.issuer() == Some(issuer.name()) {
                self.0.cache.remove(found.hash());
            }
        }
    }
}

/// A name is not managed until this is dropped, and then as it was before.
struct SetApart<'a> {
    config: &'a Config,
    subject: &'a str,
    state: Option<State>,
}

impl<'a> SetApart<'a> {
    fn new(config: &'a Config, subject: &'a str) -> Self {
        Self { config, subject, state: config.0.names.set_apart(subject) }
    }

    /// Nobody manages it any more, whoever has begun to in the meantime.
    fn for_good(mut self) {
        self.state = None;
        self.config.0.names.remove(self.subject);
    }
}

impl Drop for SetApart<'_> {
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            self.config.0.names.put_back(self.subject, state);
        }
    }
}

#[cfg(test)]
#[path = "revoke_tests.rs"]
mod tests;
