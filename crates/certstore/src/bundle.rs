//! A site's certificate, private key and metadata, stored and loaded as one.

mod metadata;

use std::fmt;

use certstore_core::{
    Error, ErrorKind, Fence, Key, Lock, LockName, Result, Storage, StorageKeys, store_all_under,
    with_lock,
};
use zeroize::Zeroizing;

pub use metadata::BundleMetadata;

use crate::inventory::{KeyMatch, read_pair};

/// How often a set that does not fit is read again: a writer of single files, as CertMagic is, may be between two.
const READS: usize = 3;

/// Where a site's files lie, and which lock their writers hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleKeys {
    private_key: Key,
    certificate: Key,
    metadata: Key,
    lock: LockName,
}

impl BundleKeys {
    /// Those of `domain` from `issuer`, as [`StorageKeys`] names them; a domain as its certificate has it: `*.example.com`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`]: the issuer or the domain gives no component of a key.
    pub fn new(issuer: &str, domain: &str) -> Result<Self> {
        Ok(Self {
            private_key: StorageKeys::site_private_key(issuer, domain)?,
            certificate: StorageKeys::site_cert(issuer, domain)?,
            metadata: StorageKeys::site_meta(issuer, domain)?,
            lock: StorageKeys::issue_cert_lock(domain)?,
        })
    }

    /// The key of the certificate chain.
    #[must_use]
    pub fn certificate(&self) -> &Key {
        &self.certificate
    }

    /// The key of the private key.
    #[must_use]
    pub fn private_key(&self) -> &Key {
        &self.private_key
    }

    /// The key of the metadata.
    #[must_use]
    pub fn metadata(&self) -> &Key {
        &self.metadata
    }

    /// The lock that everybody holds who writes them.
    #[must_use]
    pub fn lock(&self) -> &LockName {
        &self.lock
    }
}

/// A certificate with its private key, which belong to each other, and what CertMagic keeps of them.
///
/// ```
/// use certstore::bundle::{BundleKeys, CertificateBundle};
/// use certstore::{ErrorKind, MemoryStorage};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore::Error> {
/// let storage = MemoryStorage::new();
/// let keys = BundleKeys::new("local", "example.com")?;
/// let missing = CertificateBundle::load(&storage, &keys).await.unwrap_err();
/// assert_eq!(missing.kind(), ErrorKind::NotFound);
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct CertificateBundle {
    chain: String,
    private_key: Zeroizing<String>,
    metadata: BundleMetadata,
}

impl CertificateBundle {
    /// A bundle of a PEM chain, the certificate itself first, and its private key in PEM.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: the chain or the key cannot be read, or the key is another certificate's.
    pub fn new(
        chain: impl Into<String>,
        private_key: impl Into<String>,
        metadata: BundleMetadata,
    ) -> Result<Self> {
        let (chain, private_key) = (chain.into(), Zeroizing::new(private_key.into()));
        check(chain.as_bytes(), private_key.as_bytes())?;
        Ok(Self { chain, private_key, metadata })
    }

    /// The certificate chain in PEM.
    #[must_use]
    pub fn chain(&self) -> &str {
        &self.chain
    }

    /// The private key in PEM: hand it only to whom it is meant for.
    #[must_use]
    pub fn private_key(&self) -> &str {
        &self.private_key
    }

    /// What is kept beside them.
    #[must_use]
    pub fn metadata(&self) -> &BundleMetadata {
        &self.metadata
    }

    /// The bundle that is stored: the old one or the new one while somebody stores, never a mix.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]: one of the three is missing. [`ErrorKind::Corrupt`]: one cannot be read, or the key is
    /// another certificate's, which only a writer of single files can leave. Else of the backend.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub async fn load(storage: &dyn Storage, keys: &BundleKeys) -> Result<Self> {
        let mut read = Self::load_once(storage, keys).await;
        for _ in 1..READS {
            match read {
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    read = Self::load_once(storage, keys).await;
                }
                read => return read,
            }
        }
        read
    }

    async fn load_once(storage: &dyn Storage, keys: &BundleKeys) -> Result<Self> {
        let wanted = [&keys.private_key, &keys.certificate, &keys.metadata];
        let found = storage.load_bundle(&wanted).await?;
        let [private_key, chain, metadata] = &found[..] else {
            return Err(Error::not_found().with_key(&keys.certificate));
        };
        let named = |error: Error| {
            error.with_operation("load").with_key(&keys.certificate).with_backend(storage.backend())
        };
        check(chain, private_key).map_err(named)?;
        let text = |bytes: &[u8], what: &str| {
            String::from_utf8(bytes.to_vec())
                .map_err(|_| named(corrupt(format!("the {what} is no text"))))
        };
        Ok(Self {
            chain: text(chain, "certificate")?,
            private_key: Zeroizing::new(text(private_key, "private key")?),
            metadata: BundleMetadata::from_json(metadata).map_err(named)?,
        })
    }

    /// Waits for the site's issue lock and stores the three as one.
    ///
    /// # Errors
    /// [`ErrorKind::LockLost`]: the lock was lost before it was done; read again. Else as [`store_under`](Self::store_under)
    /// and of the lock.
    ///
    /// # Cancel safety
    /// Dropped at any await, the old bundle or the new one is stored, and the lock is released in the background.
    pub async fn store(&self, storage: &dyn Storage, keys: &BundleKeys) -> Result<()> {
        with_lock(storage, &keys.lock, async |guard| self.store_under(storage, keys, guard).await)
            .await?
    }

    /// Stores the three as one under a guard of the site's issue lock, as whoever obtained the certificate holds it.
    ///
    /// Fenced where the backend can ([`Storage::store_all_fenced`]): a process that is paused in the middle of it for
    /// longer than a lease writes nothing over a newer holder's bundle. Elsewhere the guard is checked just before, and such
    /// a process may store its bundle over a newer one; it is whole in any case.
    ///
    /// # Errors
    /// [`ErrorKind::LockLost`]: the guard's check fails, and nothing was written. [`ErrorKind::Fenced`]: a newer holder has
    /// written; read again. [`ErrorKind::InvalidKey`]: the guard is of another lock. Else as [`Storage::store_all`].
    ///
    /// # Cancel safety
    /// Dropped at any await, the old bundle or the new one is stored.
    pub async fn store_under(
        &self,
        storage: &dyn Storage,
        keys: &BundleKeys,
        guard: &Lock,
    ) -> Result<()> {
        check_guard(keys, guard, "store")?;
        let metadata = self.metadata.to_json()?;
        let items = [
            (&keys.private_key, self.private_key.as_bytes()),
            (&keys.certificate, self.chain.as_bytes()),
            (&keys.metadata, metadata.as_bytes()),
        ];
        store_all_under(storage, &items, guard).await
    }

    /// Waits for the site's issue lock and deletes the three, fenced where the backend can. What is not there is no error.
    ///
    /// # Errors
    /// [`ErrorKind::LockLost`], [`ErrorKind::Fenced`]: the lock was lost, or a newer holder has written; read again. Else of
    /// the backend.
    ///
    /// # Cancel safety
    /// Dropped, some of the three may be left; the certificate goes last. The lock is released in the background.
    pub async fn delete(storage: &dyn Storage, keys: &BundleKeys) -> Result<()> {
        with_lock(storage, &keys.lock, async |guard| Self::delete_under(storage, keys, guard).await)
            .await?
    }

    /// Deletes the three under a guard of the site's issue lock, fenced where the backend can. What is not there is no
    /// error.
    ///
    /// # Errors
    /// [`ErrorKind::LockLost`], [`ErrorKind::Fenced`]: the lock was lost, or a newer holder has written; read again.
    /// [`ErrorKind::InvalidKey`]: the guard is of another lock. Else of the backend.
    ///
    /// # Cancel safety
    /// Dropped, some of the three may be left; the certificate goes last.
    pub async fn delete_under(
        storage: &dyn Storage,
        keys: &BundleKeys,
        guard: &Lock,
    ) -> Result<()> {
        for key in [&keys.metadata, &keys.private_key, &keys.certificate] {
            check_guard(keys, guard, "delete")?;
            if storage.capabilities().fence == Fence::None {
                storage.delete(key).await?;
            } else {
                storage.delete_fenced(key, guard).await?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for CertificateBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateBundle")
            .field("chain", &format_args!("{} bytes", self.chain.len()))
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}

fn check_guard(keys: &BundleKeys, guard: &Lock, operation: &'static str) -> Result<()> {
    if guard.name() == &keys.lock {
        return guard.check();
    }
    let rule = format!("this site's bundle is written under the lock \"{}\"", keys.lock);
    Err(Error::new(ErrorKind::InvalidKey, rule).with_operation(operation).with_lock(guard.name()))
}

/// Whether the key belongs to the certificate.
fn check(chain: &[u8], private_key: &[u8]) -> Result<()> {
    let (_, matched) = read_pair(chain, &Ok(bytes::Bytes::copy_from_slice(private_key)))
        .map_err(|fault| corrupt(format!("the certificate is not usable: {fault}")))?;
    match matched {
        KeyMatch::Yes => Ok(()),
        KeyMatch::No => Err(corrupt("the private key is another certificate's".into())),
        KeyMatch::Missing => Err(corrupt("there is no private key".into())),
        KeyMatch::Unknown(fault) => Err(corrupt(format!("the private key is not usable: {fault}"))),
    }
}

fn corrupt(message: String) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}

#[cfg(test)]
#[path = "bundle/bundle_tests.rs"]
mod tests;
