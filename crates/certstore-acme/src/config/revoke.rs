//! Certificates that are taken back.

use certstore_core::{Error as StorageError, ErrorKind};

use super::Config;
use crate::{Event, Issuer, Result, RevocationReason, subject};

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
        let (mut revoked, mut failed) = (false, Ok(()));
        for issuer in &self.0.issuers {
            if issuer.load(&subject).await?.is_none() {
                continue;
            }
            match issuer.revoke(&subject, reason).await {
                Ok(()) => {
                    self.forget(&subject, &**issuer);
                    revoked = true;
                }
                // The others are revoked all the same.
                Err(error) => failed = failed.and(Err(error)),
            }
        }
        failed?;
        if !revoked {
            let none =
                StorageError::new(ErrorKind::NotFound, "no certificate is stored for this name");
            return Err(none.with_subject(subject).into());
        }
        self.unmanage(&subject);
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

#[cfg(test)]
#[path = "revoke_tests.rs"]
mod tests;
