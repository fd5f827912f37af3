//! Certificates that other nodes have stored.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use certstore::bundle::BundleKeys;
use certstore::watch::{WatchOptions, watch};
use certstore_core::{Change, Dir, ErrorKind, Key, Result, StorageKeys};
use futures_util::{StreamExt as _, stream};

use super::Config;
use super::demand::serves;
use super::obtain::Room;
use crate::{Certificate, Issuer, PrivateKey};

/// Below it lie the certificates of all issuers.
const CERTIFICATES: &str = "certificates";
/// How often is looked for the certificate of a name that a task is at, where the storage does not tell: another node may
/// have obtained it long before this one's turn comes.
const LOOK: Duration = Duration::from_millis(500);
/// How many are looked for at a time.
const LOOKS: usize = 8;
/// The pause is as many times as long as looking took, at least.
const REST: u32 = 1;
/// Before the storage is watched again.
const PAUSE: Duration = Duration::from_secs(5);

/// What was seen of the metadata of certificates; it is written last.
type Seen = Mutex<HashMap<Key, Bytes>>;

impl Config {
    /// Serves what other nodes obtain, as the storage tells of it; does not end.
    pub(super) async fn pick_up(&self) {
        tokio::join!(self.follow(), self.look_for_awaited());
    }

    async fn follow(&self) {
        let mut told = false;
        loop {
            match self.follow_once(told).await {
                Ok(()) => {}
                Err(error) if !told => {
                    tracing::warn!(%error, "the storage tells of no changes; what other nodes obtain is served later");
                }
                Err(_) => {}
            }
            told = true;
            self.0.clock.sleep(PAUSE).await;
        }
    }

    /// Until the watch ends. `again`: something may have been missed.
    async fn follow_once(&self, again: bool) -> Result<()> {
        let mut options = WatchOptions::default();
        options.poll = self.0.renew_interval;
        options.clock = Arc::clone(&self.0.clock);
        let dir: Dir = CERTIFICATES.parse()?;
        let mut watching = watch(Arc::clone(&self.0.storage), &dir, &options).await?;
        if again {
            for subject in self.0.names.all() {
                self.take_up(&subject).await;
            }
        }
        while let Some(change) = watching.changes.next().await {
            match change? {
                Change::Stored(key) => {
                    if let Some(subject) = self.subject_of(&key) {
                        self.take_up(&subject).await;
                    }
                }
                Change::Deleted(key) => {
                    for subject in self.served_from(&key) {
                        self.deleted(&subject).await;
                    }
                }
                // Something was missed: from the beginning.
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    /// The name whose metadata lies there, if it is managed or served.
    fn subject_of(&self, key: &Key) -> Option<String> {
        let stem = key.as_str().rsplit('/').next()?.strip_suffix(".json")?;
        let wildcard = stem.strip_prefix("wildcard_").map(|rest| format!("*{rest}"));
        // What became of an IPv6 address in the key.
        let candidates = [wildcard.unwrap_or_else(|| stem.to_owned()), stem.replace('-', ":")];
        let is_there = |subject: &String| {
            let mut issuers = self.0.issuers.iter();
            issuers.any(|issuer| {
                BundleKeys::new(issuer.name(), subject).is_ok_and(|keys| keys.metadata() == key)
            })
        };
        let is_ours =
            |subject: &String| self.0.names.contains(subject) || self.served(subject).is_some();
        candidates.into_iter().find(|subject| is_ours(subject) && is_there(subject))
    }

    /// The names whose certificates are served and lie there, or beneath it.
    fn served_from(&self, key: &Key) -> Vec<String> {
        let beneath = format!("{key}/");
        let lies_there = |certificate: &Certificate| {
            let (issuer, subject) = (certificate.issuer()?, certificate.names().first()?);
            let keys = BundleKeys::new(issuer, subject).ok()?;
            let there = keys.metadata() == key || keys.metadata().as_str().starts_with(&beneath);
            there.then(|| subject.clone())
        };
        self.0.cache.certificates().iter().filter_map(lies_there).collect()
    }

    /// Serves what is stored for a name, where it is newer than what is served.
    async fn take_up(&self, subject: &str) {
        for issuer in &self.0.issuers {
            match issuer.load(subject).await {
                Ok(Some(found)) if self.is_news(subject, &found) => {
                    let found = self.with_stored_staple(found).await;
                    tracing::debug!(subject, "a certificate that another node obtained is served");
                    self.serve(&found, Room::IsThere);
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(subject, %error, "what is stored could not be read"),
            }
        }
    }

    /// Somebody has deleted what is served. A name that is managed gets another certificate at once. Until then the old one is
    /// served, for whoever empties a storage by mistake is not to stop handshakes; but one whose key was put aside as
    /// compromised is served no longer.
    async fn deleted(&self, subject: &str) {
        for issuer in &self.0.issuers {
            match self.is_compromised(&**issuer, subject).await {
                Ok(Some(true)) => self.forget(subject, &**issuer),
                Ok(Some(false)) => {}
                // It was stored again.
                Ok(None) => {
                    self.take_up(subject).await;
                    return;
                }
                Err(error) => {
                    tracing::debug!(subject, %error, "what is stored could not be read");
                    return;
                }
            }
        }
        tracing::warn!(subject, "the certificate was deleted from the storage");
        self.0.names.lost(subject);
    }

    /// Whether the key of what is served was put aside as compromised, and no certificate is stored any more; `None`: there is
    /// one.
    async fn is_compromised(
        &self,
        issuer: &dyn Issuer,
        subject: &str,
    ) -> crate::Result<Option<bool>> {
        if issuer.load(subject).await?.is_some() {
            return Ok(None);
        }
        let aside = StorageKeys::site_compromised_key(issuer.name(), subject)?;
        let aside = match self.0.storage.load(&aside).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Some(false)),
            aside => aside?,
        };
        let aside = std::str::from_utf8(&aside).ok().and_then(|pem| PrivateKey::from_pem(pem).ok());
        // It may be that of a certificate which was replaced long ago.
        let known = aside.and_then(|key| key.signer().public_key().map(|key| key.to_vec()));
        let has_it = |served: &Certificate| {
            let own = served.certified_key().key.public_key().map(|key| key.to_vec());
            served.issuer() == Some(issuer.name()) && own == known
        };
        Ok(Some(known.is_some() && self.0.cache.certificates_of(subject).iter().any(has_it)))
    }

    fn is_news(&self, subject: &str, found: &Certificate) -> bool {
        let served = self.0.cache.certificates_of(subject).into_iter();
        let mut same = served.filter(|served| served.issuer() == found.issuer());
        serves(found, subject)
            && !found.has_expired(self.0.clock.wall())
            && same.all(|served| {
                served.hash() != found.hash() && served.not_before() <= found.not_before()
            })
    }

    async fn look_for_awaited(&self) {
        if self.0.storage.capabilities().watch {
            return;
        }
        let seen = Seen::default();
        loop {
            let awaited = self.0.names.awaited();
            if awaited.is_empty() {
                lock(&seen).clear();
                self.0.names.began().await;
                continue;
            }
            let (begun, now) = (self.0.clock.monotonic(), self.0.clock.wall());
            let due = |subject: &String| {
                self.served(subject).is_none_or(|served| served.needs_renewal(&self.0.renewal, now))
            };
            let looks =
                awaited.into_iter().filter(due).map(|subject| self.look_for(subject, &seen));
            stream::iter(looks).buffer_unordered(LOOKS).for_each(async |()| ()).await;
            let took = self.0.clock.monotonic().saturating_sub(begun);
            self.0.clock.sleep(LOOK.max(took * REST)).await;
        }
    }

    async fn look_for(&self, subject: String, seen: &Seen) {
        for issuer in &self.0.issuers {
            let Ok(keys) = BundleKeys::new(issuer.name(), &subject) else { continue };
            match self.0.storage.load(keys.metadata()).await {
                Ok(found) => {
                    let old = lock(seen).insert(keys.metadata().clone(), found.clone());
                    if old.is_none_or(|old| old != found) {
                        self.take_up(&subject).await;
                    }
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    tracing::debug!(subject, %error, "the storage could not be looked at");
                }
            }
        }
    }
}

fn lock(seen: &Seen) -> MutexGuard<'_, HashMap<Key, Bytes>> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "pickup_tests.rs"]
mod tests;
