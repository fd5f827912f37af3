//! Asking the CA when it would have a certificate renewed: once for a fleet.

use std::time::{Duration, SystemTime};

use certstore_core::{Lock, LockName, OsRandom, StorageKeys};

use crate::issuance::Site;
use crate::renewal_info::{USUAL, renewal_id};
use crate::{Certificate, Issuance, Names, RenewalInfo, Result};

/// How long a node leaves it to another one that is asking, or renewing.
const ANOTHER: Duration = Duration::from_secs(60);
/// How long a certificate that no CA can be asked about is left alone.
const NEVER: Duration = Duration::from_secs(24 * 3600);

impl Issuance {
    /// Asks the CA when it would have the stored certificate for these names renewed (RFC 9773), unless its last answer
    /// holds yet, and stores the answer in the certificate's metadata, with a time in its window that is chosen at random.
    /// Gives when to call again; `None`: there is no certificate that is valid.
    ///
    /// One node of a fleet asks and chooses, under CertMagic's lock (`ari_...`). Nobody waits for a lock, and a renewal
    /// that is on its way is not disturbed: it is another certificate that it stores.
    ///
    /// # Errors
    /// Of the storage, and of the CA; what is stored stands.
    ///
    /// # Cancel safety
    /// Dropped, the old answer or the new one is stored, and the locks are released in the background.
    pub async fn refresh_renewal_info(&self, names: &Names) -> Result<Option<SystemTime>> {
        let (site, now) = (self.site(names)?, self.ca().clock().wall());
        let Some(stored) = self.valid(&site, now).await? else { return Ok(None) };
        if let Some(again) = good_until(&stored, now) {
            return Ok(Some(again));
        }
        let Some(id) = renewal_id(stored.bundle().chain()) else { return Ok(Some(now + NEVER)) };
        let Some(url) = self.ca().directory().await?.renewal_info else {
            return Ok(Some(now + USUAL));
        };
        let lock = StorageKeys::ari_lock(&id)?;
        let asked = async |_: &Lock| {
            // Whoever had the lock before may have asked.
            let Some(stored) = self.valid(&site, now).await? else { return Ok(None) };
            match good_until(&stored, now) {
                Some(again) => Ok(Some(again)),
                None => self.ask(&site, &stored, &url, &id).await.map(Some),
            }
        };
        match self.try_with_lock(&lock, asked).await? {
            Some(asked) => asked,
            None => Ok(Some(now + ANOTHER)),
        }
    }

    async fn ask(
        &self,
        site: &Site,
        stored: &Certificate,
        url: &str,
        id: &str,
    ) -> Result<SystemTime> {
        let (ca, now) = (self.ca(), self.ca().clock().wall());
        let client = ca.http()?;
        let asked = RenewalInfo::ask(&client, url, id, now);
        let mut info = ca.step("say when the certificate is to be renewed", asked).await?;
        info.choose(stored.renewal_info(), &OsRandom);
        let again = info.ask_again().unwrap_or(now + USUAL);
        let keep = async |guard: &Lock| {
            // A renewal may have come between; its certificate is not the one that was asked about.
            match self.valid(site, now).await? {
                Some(found) if found.bundle().chain() == stored.bundle().chain() => {
                    let metadata = info.put_into(found.bundle().metadata()).to_json()?;
                    let writer = self.writer(guard);
                    writer.store(site.keys.metadata(), metadata.as_bytes()).await?;
                    tracing::debug!(certificate = id, selected = ?info.selected_time(), "the CA says when to renew");
                    Ok(again)
                }
                _ => Ok(now + ANOTHER),
            }
        };
        match self.try_with_lock(site.keys.lock(), keep).await? {
            Some(kept) => kept,
            None => Ok(now + ANOTHER),
        }
    }

    async fn valid(&self, site: &Site, now: SystemTime) -> Result<Option<Certificate>> {
        let stored = Certificate::load(&**self.storage(), &site.keys, false).await?;
        Ok(stored.filter(|stored| now < stored.not_after()))
    }

    /// Runs `work` under a lock that nobody holds; `None` where somebody does. The work looks after the loss of the lock.
    async fn try_with_lock<T>(
        &self,
        name: &LockName,
        work: impl AsyncFnOnce(&Lock) -> T,
    ) -> Result<Option<T>> {
        let Some(guard) = self.storage().try_lock(name).await? else { return Ok(None) };
        let done = work(&guard).await;
        if let Err(error) = guard.unlock().await {
            tracing::debug!(lock = %name, %error, "the lock of finished work could not be released");
        }
        Ok(Some(done))
    }
}

/// When the CA is asked again about a certificate, where that is not now.
fn good_until(stored: &Certificate, now: SystemTime) -> Option<SystemTime> {
    let info = stored.renewal_info().filter(|info| !info.is_stale(now))?;
    info.ask_again()
}

#[cfg(test)]
#[path = "refresh_tests.rs"]
mod tests;
