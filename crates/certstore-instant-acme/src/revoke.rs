//! Certificates that are taken back.

use certstore::bundle::CertificateBundle;
use certstore_core::{Error as StorageError, ErrorKind, Lock, with_lock};
use instant_acme::RevocationRequest;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::issuance::Site;
use crate::{Certificate, Error, Issuance, Names, Result, RevocationReason};

impl Issuance {
    /// Has the CA revoke the stored certificate for these names by the account (RFC 8555, section 7.6), and then deletes
    /// it with its private key and metadata, so that nobody serves it any more. Gives what was revoked.
    ///
    /// All of it under the lock of the name. For [`RevocationReason::KeyCompromise`] the private key is kept beside, as
    /// `NAME.key.compromised`, where CertMagic keeps such keys.
    ///
    /// # Errors
    /// [`Error::Storage`]: of the kind [`NotFound`](ErrorKind::NotFound), no certificate is stored; else the storage
    /// failed or the lock was lost. [`Error::Unusable`]: no account is stored. [`Error::Refused`],
    /// [`Error::Unanswered`], [`Error::TimedOut`]: of the CA, and the certificate stays.
    ///
    /// # Cancel safety
    /// Dropped, the certificate may be revoked and stored still; the next call deletes it. The lock is released in the
    /// background.
    pub async fn revoke(&self, names: &Names, reason: RevocationReason) -> Result<Certificate> {
        let site = self.site(names)?;
        let work = async |guard: &Lock| {
            let stored = Certificate::load(&**self.storage(), &site.keys, false).await?;
            let stored = stored.ok_or_else(|| {
                StorageError::new(ErrorKind::NotFound, "no certificate is stored for this name")
                    .with_subject(names.to_string())
            })?;
            match self.tell_ca(&stored, reason).await {
                // As a call that was interrupted has left it, or somebody with another tool.
                Err(error) if error.is_already_revoked() => {}
                told => told?,
            }
            self.take_away(&site, &stored, reason, guard).await?;
            tracing::info!(%names, %reason, "the certificate was revoked and deleted");
            Ok(stored)
        };
        with_lock(&**self.storage(), site.keys.lock(), work).await?
    }

    /// Keeps the private key of the stored certificate for these names apart as compromised, as
    /// [`revoke`](Self::revoke) does, if that certificate is the `revoked` one: no order is for this key any more, although
    /// keys are [used again](Self::with_reused_private_keys) or [brought](Self::with_private_key). For what a CA has
    /// revoked by itself; the certificate stays until another takes its place.
    ///
    /// # Errors
    /// [`Error::Storage`]: the storage failed, or the lock was lost.
    ///
    /// # Cancel safety
    /// Dropped, the key is kept apart or not. The lock is released in the background.
    pub async fn put_private_key_aside(
        &self,
        names: &Names,
        revoked: impl Fn(&Certificate) -> bool,
    ) -> Result<()> {
        let site = self.site(names)?;
        let work = async |guard: &Lock| {
            let stored = Certificate::load(&**self.storage(), &site.keys, false).await?;
            match stored.filter(|stored| revoked(stored)) {
                Some(stored) => self.keep_apart(&site, &stored, guard).await,
                None => Ok(()),
            }
        };
        with_lock(&**self.storage(), site.keys.lock(), work).await?
    }

    async fn keep_apart(&self, site: &Site, stored: &Certificate, guard: &Lock) -> Result<()> {
        let (writer, key) = (self.writer(guard), stored.bundle().private_key().as_bytes());
        Ok(writer.insist(|| writer.store(&site.compromised, key)).await?)
    }

    async fn tell_ca(&self, stored: &Certificate, reason: RevocationReason) -> Result<()> {
        let account = self.accounts().load().await?.ok_or(Error::Unusable {
            message: "there is no account that could revoke the certificate",
            source: None,
        })?;
        let certificate = CertificateDer::from_pem_slice(stored.bundle().chain().as_bytes())
            .map_err(|error| Error::unusable("the certificate cannot be read", error))?;
        let request = RevocationRequest { certificate: &certificate, reason: spoken(reason) };
        self.ca().step("revoke the certificate", account.revoke(&request)).await
    }

    async fn take_away(
        &self,
        site: &Site,
        stored: &Certificate,
        reason: RevocationReason,
        guard: &Lock,
    ) -> Result<()> {
        let (storage, writer) = (&**self.storage(), self.writer(guard));
        if reason == RevocationReason::KeyCompromise {
            self.keep_apart(site, stored, guard).await?;
        }
        // An order that a crash has left behind would bring the certificate back.
        writer.insist(|| writer.delete(&site.pending)).await?;
        let delete = || CertificateBundle::delete_under(storage, &site.keys, guard);
        Ok(writer.insist(delete).await?)
    }
}

/// In the words of instant-acme; without a reason none is told, as RFC 5280, section 5.3.1, recommends.
fn spoken(reason: RevocationReason) -> Option<instant_acme::RevocationReason> {
    use instant_acme::RevocationReason as Spoken;
    Some(match reason {
        RevocationReason::KeyCompromise => Spoken::KeyCompromise,
        RevocationReason::CaCompromise => Spoken::CaCompromise,
        RevocationReason::AffiliationChanged => Spoken::AffiliationChanged,
        RevocationReason::Superseded => Spoken::Superseded,
        RevocationReason::CessationOfOperation => Spoken::CessationOfOperation,
        RevocationReason::CertificateHold => Spoken::CertificateHold,
        RevocationReason::PrivilegeWithdrawn => Spoken::PrivilegeWithdrawn,
        RevocationReason::AaCompromise => Spoken::AaCompromise,
        _ => return None,
    })
}
