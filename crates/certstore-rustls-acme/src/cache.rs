//! A certstore as the cache of rustls-acme.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use certstore_core::{Clock, Dir, Error, Random, Result, Storage};
use rustls_acme::{AccountCache, CertCache};
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use crate::names::{account_key, cert_key};
use crate::retry::Pace;
use crate::slot::{Shelf, Slot, State, Storages};
use crate::{bundle, task};

/// The directory that the values stand in, unless set.
const DIR: &str = "rustls-acme";
/// Longer than rustls-acme needs for an order with its retries while the CA answers; short enough that another process
/// does not wait for long behind one that cannot.
const HOLD_LIMIT: Duration = Duration::from_secs(600);

/// Any certstore backend as the cache of rustls-acme.
///
/// rustls-acme asks its cache once, when it starts; on a miss, and on an error, it orders. Therefore:
///
/// * A miss takes a lock, and the cache holds it until rustls-acme stores what it ordered. Another process waits in its
///   own load, looks again once it has the lock, and finds the certificate. The same goes for the account's key.
/// * A load never fails. While the storage does not answer, or refuses, it waits and tries again, and says so in the
///   log; so an outage orders nothing.
/// * A stored certificate that rustls-acme would renew at once, or cannot read, is a miss: the process that has the lock
///   renews it. Where it still serves, another process waits ten seconds for that, and then serves what there is.
/// * A store goes on while the storage does not answer.
/// * The lock is given back when rustls-acme has stored; when this cache is dropped, with the state of rustls-acme that
///   owns it; and after [`hold_limit`](Self::with_hold_limit), should the order not come to an end. A lock that is lost
///   (its lease ran out while the process was paused or the storage away) cannot stop the order that runs; what it
///   yields is stored only where no other process has stored a good certificate meanwhile.
///
/// What it cannot do: rustls-acme does not ask its cache before it renews in a running process, so processes that started
/// with the same certificate and run until it is due each order one. Restart them one by one before, when two thirds of
/// the lifetime are over, and one renews it.
///
/// One cache serves one state of rustls-acme.
///
/// ```
/// use std::sync::Arc;
/// use certstore_core::MemoryStorage;
/// use certstore_rustls_acme::CertstoreCache;
/// use rustls_acme::AccountCache;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
/// let storage = Arc::new(MemoryStorage::new());
/// let cache = CertstoreCache::new(storage.clone());
/// let contact = ["mailto:admin@example.com".to_owned()];
/// assert_eq!(cache.load_account(&contact, "https://ca.example/dir").await?, None);
/// cache.store_account(&contact, "https://ca.example/dir", b"a private key").await?;
/// assert!(cache.load_account(&contact, "https://ca.example/dir").await?.is_some());
/// # Ok(()) }
/// ```
pub struct CertstoreCache {
    dir: Dir,
    shelf: Shelf,
    runtime: Handle,
}

impl CertstoreCache {
    /// A cache in the directory `rustls-acme` of `storage`. rustls-acme may then be polled by any executor; the storage's
    /// work is done on the tokio runtime that this is called in.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        let (held, pace) = (Arc::default(), Pace::default());
        let shelf = Shelf { storage: Storages(storage), held, hold_limit: HOLD_LIMIT, pace };
        let dir = Dir::new(DIR).expect("the name of a directory");
        Self { dir, shelf, runtime: Handle::current() }
    }

    /// Keeps the values in `dir`. With the files of rustls-acme's `DirCache` in this directory of a file storage, they
    /// are found.
    ///
    /// # Errors
    /// [`InvalidKey`](certstore_core::ErrorKind::InvalidKey): `dir` is so long that no key fits.
    pub fn with_dir(mut self, dir: Dir) -> Result<Self> {
        // The longest key. All are of one length, so none is refused later: rustls-acme would take that for a miss.
        account_key(&dir, &[], "")?;
        self.dir = dir;
        Ok(self)
    }

    /// How long an order may take before the lock is given back, and another process orders; 10 minutes unless set.
    #[must_use]
    pub fn with_hold_limit(mut self, limit: Duration) -> Self {
        self.shelf.hold_limit = limit;
        self
    }

    /// Other clocks and chance, for tests.
    #[must_use]
    pub fn with_time(mut self, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        self.shelf.pace = Pace { clock, random };
        self
    }

    async fn load(&self, slot: Slot) -> Option<Vec<u8>> {
        let shelf = self.shelf.clone();
        task::on(&self.runtime, async move { slot.load(&shelf).await }).await
    }

    async fn store(&self, slot: Slot, value: &[u8]) -> Result<()> {
        let (shelf, value) = (self.shelf.clone(), Zeroizing::new(value.to_vec()));
        task::on(&self.runtime, async move { slot.store(&shelf, &value).await }).await
    }

    fn cert(&self, domains: &[String], directory_url: &str) -> Result<Slot> {
        Slot::new(cert_key(&self.dir, domains, directory_url)?, bundle::state)
    }

    /// An account's key has no end, and one that looks odd may be the one that the CA knows: it is never replaced.
    fn account(&self, contact: &[String], directory_url: &str) -> Result<Slot> {
        let good: fn(&[u8], SystemTime) -> State = |_, _| State::Good;
        Slot::new(account_key(&self.dir, contact, directory_url)?, good)
    }
}

impl fmt::Debug for CertstoreCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertstoreCache")
            .field("dir", &self.dir)
            .field("storage", &self.shelf.storage)
            .field("hold_limit", &self.shelf.hold_limit)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl CertCache for CertstoreCache {
    type EC = Error;

    /// The certificate, once the storage answers; `None` with the lock held.
    ///
    /// # Errors
    /// [`InvalidKey`](certstore_core::ErrorKind::InvalidKey): the directory of the cache is too long.
    ///
    /// # Cancel safety
    /// Dropped, no lock is left.
    async fn load_cert(&self, domains: &[String], directory_url: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.load(self.cert(domains, directory_url)?).await)
    }

    /// Stores the certificate and gives the lock back.
    ///
    /// # Errors
    /// Of the storage, other than that it does not answer.
    ///
    /// # Cancel safety
    /// Dropped, the old certificate stands or the new one, and the lock is given back.
    async fn store_cert(&self, domains: &[String], directory_url: &str, cert: &[u8]) -> Result<()> {
        self.store(self.cert(domains, directory_url)?, cert).await
    }
}

#[async_trait]
impl AccountCache for CertstoreCache {
    type EA = Error;

    /// The account's key, once the storage answers; `None` with the lock held.
    ///
    /// # Errors
    /// [`InvalidKey`](certstore_core::ErrorKind::InvalidKey): the directory of the cache is too long.
    ///
    /// # Cancel safety
    /// Dropped, no lock is left.
    async fn load_account(
        &self,
        contact: &[String],
        directory_url: &str,
    ) -> Result<Option<Vec<u8>>> {
        Ok(self.load(self.account(contact, directory_url)?).await)
    }

    /// Stores the account's key and gives the lock back.
    ///
    /// # Errors
    /// Of the storage, other than that it does not answer.
    ///
    /// # Cancel safety
    /// Dropped, the old key stands or the new one, and the lock is given back.
    async fn store_account(
        &self,
        contact: &[String],
        directory_url: &str,
        account: &[u8],
    ) -> Result<()> {
        self.store(self.account(contact, directory_url)?, account).await
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
