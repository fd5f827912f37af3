//! One certificate: obtained, renewed, loaded.

use std::sync::Arc;

use certstore_core::{Error as StorageError, ErrorKind, Lock, LockName, with_lock};

use super::demand::serves;
use super::{Config, IssuerOrder};
use crate::{Certificate, Error, Event, Good, Hello, Issuer, Result, subject};

/// What a certificate that is not in memory yet does to a full cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// Another one goes for it: somebody asks for it.
    IsMade,
    /// It stays out: handshakes load it when they ask for it.
    IsThere,
}

impl Config {
    /// The certificate for a name, served from now on: the stored one if it is good for a while, else a new one.
    ///
    /// # Errors
    /// [`Error::Storage`]: the name can have no certificate, the storage failed, or the lock was lost; nothing was ordered for
    /// it. Else of the issuer; of several, [`Error::Issuers`].
    ///
    /// # Cancel safety
    /// Dropped at any await, the old certificate or the new one is stored, and the lock is released in the background.
    pub async fn obtain_cert(&self, name: &str) -> Result<Certificate> {
        let (subject, now) = (subject(name)?, self.0.clock.wall());
        let good = |found: &Certificate| !found.needs_renewal(&self.0.renewal, now);
        self.obtain(&subject, &good, Room::IsMade).await
    }

    /// A new certificate for a name, although the stored one may be good: as after a change of issuer or key type. The
    /// one that another node is just obtaining is taken for it.
    ///
    /// # Errors
    /// As [`obtain_cert`](Self::obtain_cert).
    ///
    /// # Cancel safety
    /// As [`obtain_cert`](Self::obtain_cert).
    pub async fn renew_cert(&self, name: &str) -> Result<Certificate> {
        let subject = subject(name)?;
        let mut old = Vec::new();
        for issuer in &self.0.issuers {
            old.extend(issuer.load(&subject).await?);
        }
        self.obtain(&subject, &|found| !old.contains(found), Room::IsMade).await
    }

    /// Serves the certificate that is stored for a name, without asking for one.
    ///
    /// # Errors
    /// [`Error::Storage`]: the name can have no certificate, there is none (`NotFound`), or the storage failed.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub async fn cache_managed_certificate(&self, name: &str) -> Result<Certificate> {
        let subject = subject(name)?;
        let found = self.newest(&subject).await?.ok_or_else(|| {
            StorageError::new(ErrorKind::NotFound, "no certificate is stored for this name")
                .with_subject(subject)
        })?;
        self.serve(&found, Room::IsMade);
        Ok(found)
    }

    /// The certificate that a handshake for this name gets.
    #[must_use]
    pub fn get_certificate(&self, name: &str) -> Option<Certificate> {
        self.0.cache.find(&Hello::named(&subject(name).ok()?))
    }

    /// The stored certificate of any of the issuers that is valid for longest.
    pub(super) async fn newest(&self, subject: &str) -> Result<Option<Certificate>> {
        let mut newest: Option<Certificate> = None;
        for issuer in &self.0.issuers {
            let found = self.stored(issuer, subject).await?;
            newest = newest.into_iter().chain(found).max_by_key(Certificate::not_after);
        }
        match newest {
            Some(newest) => Ok(Some(self.with_stored_staple(newest).await)),
            None => Ok(None),
        }
    }

    /// What is stored for a subject, if it is for it: somebody may have put there what belongs elsewhere.
    async fn stored(&self, issuer: &Arc<dyn Issuer>, subject: &str) -> Result<Option<Certificate>> {
        let found = issuer.load(subject).await?;
        if let Some(other) = found.as_ref().filter(|found| !serves(found, subject)) {
            tracing::error!(subject, names = ?other.names(), "what is stored here is a certificate for other names; it will be replaced");
            return Ok(None);
        }
        Ok(found)
    }

    /// The stored certificate if it will do, else one that is obtained; until then what is stored is served while it is
    /// valid.
    pub(super) async fn stored_or_obtained(
        &self,
        subject: &str,
        good: Good<'_>,
        room: Room,
    ) -> Result<Certificate> {
        if let Some(found) = self.newest(subject).await? {
            let (will_do, now) = (good(&found), self.0.clock.wall());
            let served = self.served(subject);
            let newer = served.is_none_or(|served| served.not_after() <= found.not_after());
            if will_do || (newer && !found.has_expired(now)) {
                self.serve(&found, room);
            }
            if will_do {
                return Ok(found);
            }
        }
        self.obtain(subject, good, room).await
    }

    pub(super) async fn obtain(
        &self,
        subject: &str,
        good: Good<'_>,
        room: Room,
    ) -> Result<Certificate> {
        let old = self.served(subject);
        let renewal = old.is_some() || self.0.names.has_had(subject);
        self.tell(&Event::Obtaining { subject, renewal });
        let for_it = |found: &Certificate| serves(found, subject) && good(found);
        let certificate = self.ask_issuers(subject, &for_it).await?;
        let certificate = self.with_needed_staple(certificate).await;
        self.serve(&certificate, room);
        if old.as_ref() != Some(&certificate) {
            self.tell(&Event::Obtained { certificate: &certificate, renewal });
        }
        Ok(certificate)
    }

    /// The first good one that any issuer has stored, else the first that one gives.
    async fn ask_issuers(&self, subject: &str, good: Good<'_>) -> Result<Certificate> {
        let issuers = self.issuers_for(subject);
        if let [only] = &issuers[..] {
            return only.obtain(subject, good).await;
        }
        if let Some(found) = self.good_of_any(&issuers, subject, good).await? {
            return Ok(found);
        }
        // An issuer looks at its own place under the lock of the name: nodes at different issuers would each order.
        let lock = LockName::new(&format!("choose_issuer_{subject}"))?;
        let work = async |_: &Lock| match self.good_of_any(&issuers, subject, good).await? {
            Some(found) => Ok(found),
            None => self.ask_in_turn(&issuers, subject, good).await,
        };
        with_lock(&*self.0.storage, &lock, work).await?
    }

    /// What any of the issuers has stored that will do.
    async fn good_of_any(
        &self,
        issuers: &[Arc<dyn Issuer>],
        subject: &str,
        good: Good<'_>,
    ) -> Result<Option<Certificate>> {
        for issuer in issuers {
            let valid = |found: &Certificate| !found.has_expired(self.0.clock.wall());
            let found = issuer.load(subject).await?;
            if let Some(found) = found.filter(|found| valid(found) && good(found)) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn ask_in_turn(
        &self,
        issuers: &[Arc<dyn Issuer>],
        subject: &str,
        good: Good<'_>,
    ) -> Result<Certificate> {
        let mut errors = Vec::new();
        for issuer in issuers {
            match issuer.obtain(subject, good).await {
                Ok(certificate) => return Ok(certificate),
                // The next issuer's certificate would not be stored either.
                Err(error @ Error::Storage(_)) => return Err(error),
                Err(error) => {
                    tracing::warn!(subject, issuer = issuer.name(), %error, "this issuer gave no certificate; the next is asked");
                    errors.push((issuer.name().to_owned(), error));
                }
            }
        }
        Err(Error::Issuers { name: subject.to_owned(), errors })
    }

    pub(super) fn issuers_for(&self, subject: &str) -> Vec<Arc<dyn Issuer>> {
        let mut issuers = self.0.issuers.clone();
        if self.0.order == IssuerOrder::Random && issuers.len() > 1 {
            // Any digest spreads; this one is the same on all nodes.
            let digest = ring::digest::digest(&ring::digest::SHA256, subject.as_bytes());
            let first = digest
                .as_ref()
                .iter()
                .fold(0, |all, byte| (all * 256 + usize::from(*byte)) % issuers.len());
            issuers.rotate_left(first);
        }
        issuers
    }

    /// The managed certificate for just this name that handshakes get.
    pub(super) fn served(&self, subject: &str) -> Option<Certificate> {
        let served = self.0.cache.certificates_of(subject).into_iter();
        served.filter(|found| found.issuer().is_some()).max_by_key(Certificate::not_after)
    }

    /// Handshakes get it from now on, in place of the one for the same names from the same issuer.
    pub(super) fn serve(&self, certificate: &Certificate, room: Room) {
        // Whoever read it before it was revoked comes too late.
        if self.0.revoked.has(certificate) {
            return;
        }
        let cache = &self.0.cache;
        let same = |found: &Certificate| {
            found.issuer() == certificate.issuer() && found.names() == certificate.names()
        };
        let first = certificate.names().first();
        let old = first.and_then(|name| cache.certificates_of(name).into_iter().find(same));
        match old {
            // Its CA may have said anew when to renew it.
            Some(old) if old == *certificate => {
                if old.renewal_info() != certificate.renewal_info() {
                    cache.insert(certificate.with_ocsp(old.ocsp().cloned()));
                }
                return;
            }
            Some(old) if certificate.issuer().is_some() => {
                cache.replace(old.hash(), certificate.clone());
            }
            None if room == Room::IsThere && !cache.has_room() => return,
            _ => {
                cache.insert(certificate.clone());
            }
        }
        // It may have been revoked since it was looked at above.
        if self.0.revoked.has(certificate) {
            cache.remove(certificate.hash());
            return;
        }
        self.watch_staple(certificate);
        self.tell(&match certificate.issuer() {
            Some(_) => Event::CachedManaged { certificate },
            None => Event::CachedUnmanaged { certificate },
        });
    }
}
