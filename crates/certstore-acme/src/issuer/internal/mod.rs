//! An authority of one's own, kept in the storage.

mod authority;
mod files;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use certstore::bundle::{BundleKeys, BundleMetadata, CertificateBundle};
use certstore_core::{Clock, Lock, Result as StorageResult, Storage, SystemClock, with_lock};
use tokio::sync::Mutex;

use self::authority::Authority;
use self::files::AuthorityFiles;
use super::{Good, Issuer, Teller, stored};
use crate::{Certificate, Error, KeyType, PrivateKey, Result, RevocationReason};

/// The authority that Caddy makes first.
const LOCAL: &str = "local";
/// Short, as nobody can revoke what it gives; Caddy's.
const LEAF_LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// Gives certificates from an authority of one's own, for development and private networks: a root and an intermediate
/// that lie in the storage, made by whichever node needs them first and shared by all.
///
/// They lie where Caddy's internal issuer keeps them, `pki/authorities/local`, in its form: a fleet of both has one root
/// to trust. The root signs intermediates of a week, these sign certificates of twelve hours.
///
/// ```
/// use std::sync::Arc;
/// use certstore_acme::{InternalIssuer, Issuer as _};
/// use certstore_core::MemoryStorage;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_acme::Error> {
/// let issuer = InternalIssuer::new(Arc::new(MemoryStorage::new()));
/// let certificate = issuer.obtain("localhost", &|_| true).await?;
/// assert_eq!(certificate.names(), ["localhost"]);
/// assert!(issuer.root().await?.starts_with("-----BEGIN CERTIFICATE-----"));
/// # Ok(()) }
/// ```
pub struct InternalIssuer {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    name: String,
    lifetime: Duration,
    key_type: KeyType,
    /// Read or made once, and again before its intermediate expires.
    authority: Mutex<Option<Arc<Authority>>>,
}

impl InternalIssuer {
    /// The authority `local` in this storage.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            clock: Arc::new(SystemClock),
            name: LOCAL.to_owned(),
            lifetime: LEAF_LIFETIME,
            key_type: KeyType::default(),
            authority: Mutex::new(None),
        }
    }

    /// Another authority than `local`, by its name in the storage.
    #[must_use]
    pub fn with_authority(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How long its certificates are valid; 12 hours unless set. None outlives its intermediate, which lives for a week.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// The kind of the certificates' private keys; P-256 unless set.
    #[must_use]
    pub fn with_key_type(mut self, kind: KeyType) -> Self {
        self.key_type = kind;
        self
    }

    /// Another clock, for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The root certificate in PEM, which clients are told to trust; it is made if there is none.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::Error::Storage), [`Error::Authority`](crate::Error::Authority).
    ///
    /// # Cancel safety
    /// Dropped at any await, the authority is whole or not there, and the lock is released in the background.
    pub async fn root(&self) -> Result<String> {
        Ok(self.authority().await?.root().to_owned())
    }

    /// The authority, with an intermediate that outlives a certificate made now.
    async fn authority(&self) -> Result<Arc<Authority>> {
        let mut kept = self.authority.lock().await;
        let now = self.clock.wall();
        if let Some(authority) =
            kept.as_ref().filter(|authority| authority.lasts(now, self.lifetime))
        {
            return Ok(Arc::clone(authority));
        }
        let files = AuthorityFiles::new(&self.name)?;
        let usable =
            |found: Option<Authority>| found.filter(|found| found.lasts(now, self.lifetime));
        let found = match usable(files.load(&*self.storage).await?) {
            Some(found) => found,
            None => {
                let made = async |guard: &Lock| match usable(files.load(&*self.storage).await?) {
                    Some(found) => Ok(found),
                    None => files.renew(&*self.storage, guard, now).await,
                };
                with_lock(&*self.storage, files.lock(), made).await??
            }
        };
        Ok(Arc::clone(kept.insert(Arc::new(found))))
    }

    async fn sign(&self, subject: &str) -> Result<CertificateBundle> {
        let authority = self.authority().await?;
        let key = PrivateKey::generate_in_background(self.key_type).await?;
        let chain = authority.sign(subject, &key, self.clock.wall(), self.lifetime)?;
        let metadata = BundleMetadata::for_names([subject]);
        Ok(CertificateBundle::new(chain, key.pem().expose(), metadata)?)
    }

    async fn good(
        &self,
        keys: &BundleKeys,
        good: Good<'_>,
        teller: Teller,
    ) -> Result<Option<Certificate>> {
        // One that has expired is never good.
        let now: SystemTime = self.clock.wall();
        let found = stored(&*self.storage, &self.name, keys, teller).await?;
        Ok(found.filter(|found| !found.has_expired(now) && good(found)))
    }
}

#[async_trait]
impl Issuer for InternalIssuer {
    fn name(&self) -> &str {
        &self.name
    }

    async fn load(&self, subject: &str) -> Result<Option<Certificate>> {
        stored(&*self.storage, &self.name, &BundleKeys::new(&self.name, subject)?, Teller::Later)
            .await
    }

    async fn obtain(&self, subject: &str, good: Good<'_>) -> Result<Certificate> {
        let keys = BundleKeys::new(&self.name, subject)?;
        if let Some(found) = self.good(&keys, good, Teller::Later).await? {
            return Ok(found);
        }
        let work = async |guard: &Lock| {
            // Whoever had the lock before may have stored one.
            if let Some(found) = self.good(&keys, good, Teller::Here).await? {
                return Ok(found);
            }
            let bundle = self.sign(subject).await?;
            bundle.store_under(&*self.storage, &keys, guard).await?;
            tracing::info!(subject, issuer = self.name, "a certificate was made and stored");
            Ok(Certificate::of(&bundle, Some(&self.name))?)
        };
        let done: StorageResult<Result<Certificate>> =
            with_lock(&*self.storage, keys.lock(), work).await;
        done?
    }

    async fn revoke(&self, subject: &str, _: RevocationReason) -> Result<Certificate> {
        let why = "the internal authority revokes nothing, as its certificates live for hours; renew it for another \
                   private key, and replace the authority if its own key is known";
        Err(Error::NotRevoked { name: subject.to_owned(), why })
    }
}

impl fmt::Debug for InternalIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InternalIssuer")
            .field("name", &self.name)
            .field("lifetime", &self.lifetime)
            .field("key_type", &self.key_type)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "internal_tests.rs"]
mod tests;
