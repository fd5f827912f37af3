//! Who gives certificates.

mod acme;
mod internal;
mod responders;
mod test_ca;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use certstore::bundle::{BundleKeys, CertificateBundle};
use certstore_core::{ErrorKind, Storage};
use certstore_instant_acme::AlpnAnswer;

pub use acme::AcmeIssuer;
pub use internal::InternalIssuer;

use crate::{Cache, Certificate, Error, Result, RevocationReason};

/// Whether a certificate that is stored will do.
pub type Good<'a> = &'a (dyn Fn(&Certificate) -> bool + Send + Sync);

/// Gives certificates, and keeps them in a storage that a fleet shares.
///
/// Whoever needs a certificate takes the lock of its name, looks again, and only then has one made: a fleet obtains it
/// once. Subjects are as [`subject`](crate::subject) gives them.
#[async_trait]
pub trait Issuer: fmt::Debug + Send + Sync {
    /// What it is called in the storage: certificates lie beneath `certificates/NAME`.
    fn name(&self) -> &str;

    /// The certificate that is stored, good or not; nobody is asked for one.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::Error::Storage): the storage failed, or the subject gives no key.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    async fn load(&self, subject: &str) -> Result<Option<Certificate>>;

    /// The stored certificate if it is `good`, else a new one, which is stored.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::Error::Storage): the storage failed or the lock was lost, and nothing was ordered for
    /// it. Else of the issuer.
    ///
    /// # Cancel safety
    /// Dropped at any await, the old certificate or the new one is stored, and the lock is released in the background.
    async fn obtain(&self, subject: &str, good: Good<'_>) -> Result<Certificate>;

    /// Whether it says when certificates are to be renewed ([`refresh_renewal_info`](Self::refresh_renewal_info)).
    fn gives_renewal_info(&self) -> bool {
        false
    }

    /// Asks when the stored certificate is to be renewed (RFC 9773), unless the last answer holds yet, and stores the
    /// answer beside it. Gives when to call again; `None`: there is nothing to ask about.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::Error::Storage), or of the issuer; what is stored stands.
    ///
    /// # Cancel safety
    /// Dropped, the old answer or the new one is stored.
    async fn refresh_renewal_info(&self, subject: &str) -> Result<Option<SystemTime>> {
        let _ = subject;
        Ok(None)
    }

    /// Has the stored certificate revoked, and deletes it with its private key; gives what was revoked. For
    /// [`KeyCompromise`](RevocationReason::KeyCompromise) the private key is kept as `NAME.key.compromised`.
    ///
    /// # Errors
    /// [`Error::NotRevoked`]: this issuer revokes nothing, and says what to do instead; it is what an issuer does that
    /// has no such method. [`Error::Storage`](crate::Error::Storage): none is stored (`NotFound`), the storage failed or
    /// the lock was lost. Else of the issuer, and the certificate stays.
    ///
    /// # Cancel safety
    /// Dropped, the certificate may be revoked and stored still; the next call deletes it.
    async fn revoke(&self, subject: &str, reason: RevocationReason) -> Result<Certificate> {
        let _ = reason;
        let why = "its issuer revokes nothing; renew it, and stop serving the old one";
        Err(Error::NotRevoked { name: subject.to_owned(), why })
    }

    /// Keeps the stored private key of a certificate that its CA has revoked for it from being used once more; whoever makes a
    /// key for each certificate has nothing to do.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::Error::Storage): the storage failed, or the lock was lost.
    ///
    /// # Cancel safety
    /// Dropped, the key is kept apart or not; the certificate stays.
    async fn put_private_key_aside(&self, subject: &str, revoked: &Certificate) -> Result<()> {
        let _ = (subject, revoked);
        Ok(())
    }

    /// What a CA of this issuer is to be answered at `path` on `host`, for HTTP-01; `None`: nothing of its own.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::Error::Storage): the storage failed.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    async fn http_challenge_answer(&self, host: &str, path: &str) -> Result<Option<String>> {
        let _ = (host, path);
        Ok(None)
    }

    /// What answers a CA of this issuer that asks for this server name by TLS-ALPN-01; `None`: nothing of its own.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::Error::Storage): the storage failed.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    async fn alpn_challenge_answer(&self, server_name: &str) -> Result<Option<AlpnAnswer>> {
        let _ = server_name;
        Ok(None)
    }

    /// From now on handshakes are answered from this cache, too: what this process is to show by TLS-ALPN-01 goes there.
    /// A manager calls it once, when it is built.
    fn answer_from(&self, cache: &Arc<Cache>) {
        let _ = cache;
    }
}

/// Who says of something that is stored that it is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Teller {
    /// Whoever is about to replace it: here, with an error in the log.
    Here,
    /// Whoever comes to it later.
    Later,
}

/// The certificate that is stored for a subject. What is there and makes no certificate counts as missing: a new one replaces
/// it.
async fn stored(
    storage: &dyn Storage,
    issuer: &str,
    keys: &BundleKeys,
    teller: Teller,
) -> Result<Option<Certificate>> {
    let read = CertificateBundle::load(storage, keys).await;
    match read.and_then(|bundle| Certificate::of(&bundle, Some(issuer))) {
        Ok(certificate) => Ok(Some(certificate)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            // A value that the storage itself cannot give, as one sealed by another key, is no reason for a new one.
            storage.load_bundle(&[keys.private_key(), keys.certificate(), keys.metadata()]).await?;
            if teller == Teller::Here {
                tracing::error!(key = %keys.certificate(), %error, "what is stored here is no certificate with its key; it will be replaced");
            }
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
