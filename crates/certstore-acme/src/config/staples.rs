//! OCSP staples, kept fresh for what is served.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use certstore_core::one_line;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::Config;
use super::backoff::pause;
use super::obtain::Room;
use crate::{Certificate, Event, Issuer, OcspAnswer, OcspStatus, Result, RevocationReason};

/// How many certificates are asked about at a time.
const AT_A_TIME: usize = 16;
/// When it is looked at again what another node is asking for.
const ANOTHER_ASKS: Duration = Duration::from_secs(30);

/// How it stands with the certificates that have a responder, by their hashes.
#[derive(Default)]
pub(super) struct Staples {
    states: Mutex<BTreeMap<String, State>>,
    changed: Notify,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// When it is looked at, by the clock's boottime.
    next: Duration,
    /// How often in a row there was no answer, or no certificate in the place of a revoked one.
    failures: u32,
    /// It was said that it is revoked.
    revoked: bool,
    /// It was said that it has to have a staple and has none.
    bare: bool,
}

impl Staples {
    fn states(&self) -> MutexGuard<'_, BTreeMap<String, State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, hash: &str, change: impl FnOnce(&mut State) -> T) -> Option<T> {
        self.states().get_mut(hash).map(change)
    }
}

impl Config {
    /// Looks at the staples that are due now: those of certificates in memory whose CA answers by OCSP (RFC 6960). What the
    /// storage has is taken; what is missing or past half of its time is asked for, by one node of a fleet, and stored.
    /// Maintenance does it by itself.
    ///
    /// An answer that cannot be had leaves the old one until its time is over. One that says that a certificate is
    /// revoked is shown to nobody: another certificate is obtained in its place.
    ///
    /// # Cancel safety
    /// Dropped at any await, the staples that it was at are old or new.
    pub async fn refresh_staples(&self) {
        if self.0.ocsp_interval.is_none() {
            return;
        }
        let revoked = self.look_at_staples().await.into_iter();
        stream::iter(revoked.map(|revoked| self.replace_revoked(revoked)))
            .buffer_unordered(AT_A_TIME)
            .collect::<()>()
            .await;
    }

    /// Gives what is revoked.
    async fn look_at_staples(&self) -> Vec<Certificate> {
        let now = self.0.clock.boottime();
        let due: Vec<String> = {
            let states = self.0.staples.states();
            let due = states.iter().filter(|(_, state)| state.next <= now);
            due.map(|(hash, _)| hash.clone()).collect()
        };
        let looks = due.into_iter().map(|hash| self.look_at_staple(hash));
        let looked = stream::iter(looks).buffer_unordered(AT_A_TIME);
        looked.filter_map(std::future::ready).collect().await
    }

    /// Keeps them fresh; never returns.
    pub(super) async fn keep_staples(&self) {
        let Some(interval) = self.0.ocsp_interval else { return std::future::pending().await };
        // An order may take minutes: other staples do not wait for it.
        let mut replacing = JoinSet::new();
        loop {
            for revoked in self.look_at_staples().await {
                self.0.staples.change(revoked.hash(), |state| state.next = Duration::MAX);
                let config = self.clone();
                replacing.spawn(async move {
                    let work = AssertUnwindSafe(config.replace_revoked(revoked.clone()));
                    if work.catch_unwind().await.is_err() {
                        tracing::error!(names = ?revoked.names(), "replacing a revoked certificate panicked");
                        config.retry(&revoked, pause(1, None));
                    }
                });
            }
            let now = self.0.clock.boottime();
            let next = self.0.staples.states().values().map(|state| state.next).min();
            let wait = next.map_or(interval, |next| next.saturating_sub(now)).min(interval);
            tokio::select! {
                () = self.0.clock.sleep(wait) => {}
                () = self.0.staples.changed.notified() => {}
                Some(_) = replacing.join_next(), if !replacing.is_empty() => {}
            }
        }
    }

    /// Has the staple of a certificate that is served from now on looked at.
    pub(super) fn watch_staple(&self, certificate: &Certificate) {
        let asks = self.0.ocsp_interval.is_some() && certificate.has_responder();
        if asks {
            self.0.staples.states().entry(certificate.hash().to_owned()).or_default();
            self.0.staples.changed.notify_one();
        } else if certificate.must_staple() && certificate.certified_key().ocsp.is_none() {
            tracing::warn!(names = ?certificate.names(), "this certificate has to have a staple and nobody gets one: clients may refuse it");
        }
    }

    /// With the staple that is stored, if there is a good one.
    pub(super) async fn with_stored_staple(&self, certificate: Certificate) -> Certificate {
        if self.0.ocsp_interval.is_none() || !certificate.has_responder() {
            return certificate;
        }
        if let Some(held) =
            self.0.cache.get(certificate.hash()).filter(|held| held.ocsp().is_some())
        {
            // What is stored may say more than what is held: when to renew it.
            return certificate.with_ocsp(held.ocsp().cloned());
        }
        match self.stored_answer(&certificate).await {
            Ok(Some(answer)) => certificate.with_ocsp(Some(answer)),
            _ => certificate,
        }
    }

    /// With a staple, if clients refuse the certificate without one: that is worth to wait for.
    pub(super) async fn with_needed_staple(&self, certificate: Certificate) -> Certificate {
        let needed = certificate.must_staple() && certificate.has_responder();
        if self.0.ocsp_interval.is_none() || !needed {
            return certificate;
        }
        match self.answer_for(&certificate).await {
            Ok(Some(answer)) => certificate.with_ocsp(Some(answer)),
            // It is looked at again, and what is wrong is said then.
            _ => certificate,
        }
    }

    /// Gives the certificate if it is revoked.
    async fn look_at_staple(&self, hash: String) -> Option<Certificate> {
        let Some(certificate) = self.0.cache.get(&hash) else {
            // It was replaced, or has left the cache.
            self.0.staples.states().remove(&hash);
            return None;
        };
        let now = self.0.clock.wall();
        let fresh =
            |answer: &&OcspAnswer| answer.status() == OcspStatus::Good && now < answer.due();
        if let Some(answer) = certificate.ocsp().filter(fresh) {
            self.look_again(&hash, answer);
            return None;
        }
        match self.answer_for(&certificate).await {
            Ok(Some(answer)) => match answer.status() {
                OcspStatus::Good => {
                    self.look_again(&hash, &answer);
                    self.0.cache.restaple(certificate.with_ocsp(Some(answer)));
                }
                _ => return Some(certificate.with_ocsp(Some(answer))),
            },
            Ok(None) => self.retry(&certificate, ANOTHER_ASKS),
            Err(error) => self.staple_failed(&certificate, &error),
        }
        None
    }

    /// At half of its time; of one that is older, at half of what is left.
    fn look_again(&self, hash: &str, answer: &OcspAnswer) {
        let wall = self.0.clock.wall();
        let left = answer.next_update().duration_since(wall).unwrap_or_default();
        let wait = answer.due().duration_since(wall).unwrap_or((left / 2).max(pause(1, None)));
        let next = self.0.clock.boottime() + wait;
        self.0.staples.change(hash, |state| *state = State { next, ..State::default() });
    }

    fn staple_failed(&self, certificate: &Certificate, error: &certstore_core::Error) {
        let failed = self.0.staples.change(certificate.hash(), |state| {
            state.failures += 1;
            state.failures
        });
        let failures = failed.unwrap_or(1);
        let wait = pause(failures, None);
        if failures == 1 {
            let cause = std::error::Error::source(error).map(one_line).unwrap_or_default();
            let until = certificate.ocsp().map(OcspAnswer::next_update);
            tracing::warn!(names = ?certificate.names(), %error, cause, ?until, retry = ?wait, "no OCSP answer; the old one is shown until its time is over");
        }
        self.retry(certificate, wait);
    }

    /// Looks again after a while, and when the time of the old staple is over: then there is none.
    fn retry(&self, certificate: &Certificate, wait: Duration) {
        let (now, wall) = (self.0.clock.boottime(), self.0.clock.wall());
        let mut wait = wait.min(self.0.ocsp_interval.unwrap_or(wait));
        match certificate.ocsp() {
            Some(old) if old.counts(wall) => {
                wait = wait.min(old.next_update().duration_since(wall).unwrap_or_default());
            }
            Some(_) => drop(self.0.cache.restaple(certificate.with_ocsp(None))),
            None => {}
        }
        let is_bare = certificate.ocsp().is_none_or(|old| !old.counts(wall));
        let told = self.0.staples.change(certificate.hash(), |state| {
            state.next = now + wait;
            std::mem::replace(&mut state.bare, is_bare)
        });
        if is_bare && certificate.must_staple() && told == Some(false) {
            tracing::warn!(names = ?certificate.names(), "this certificate has to have a staple and has none: clients may refuse it");
        }
    }

    /// A certificate that is revoked is served until there is another one, without that answer.
    async fn replace_revoked(&self, certificate: Certificate) {
        let hash = certificate.hash().to_owned();
        self.0.cache.restaple(certificate.clone());
        let told =
            self.0.staples.change(&hash, |state| std::mem::replace(&mut state.revoked, true));
        if told == Some(false) {
            tracing::error!(names = ?certificate.names(), "the CA has revoked this certificate");
            self.tell(&Event::OcspRevoked { certificate: &certificate });
        }
        let managed = |name: &&String| self.0.names.contains(name);
        let names = certificate.names();
        let subject = names.iter().find(managed).or(names.first());
        let Some(subject) = subject.filter(|_| certificate.issuer().is_some()) else {
            return self.retry(&certificate, Duration::MAX);
        };
        let replaced: Result<Certificate> = async {
            let _permit = self.permit().await;
            self.distrust_key(subject, &certificate).await?;
            self.obtain(subject, &|found| found.hash() != hash, Room::IsThere).await
        }
        .await;
        let error = match replaced {
            // Of another issuer it has come beside it.
            Ok(_) => return self.retire(&certificate),
            Err(error) => error,
        };
        let failed = self.0.staples.change(&hash, |state| {
            state.failures += 1;
            state.failures
        });
        let wait = pause(failed.unwrap_or(1), None);
        let cause = std::error::Error::source(&error).map(one_line).unwrap_or_default();
        tracing::error!(subject, %error, cause, retry = ?wait, "a revoked certificate was not replaced");
        self.tell(&Event::Failed { subject, error: &error, retry_after: Some(wait) });
        self.retry(&certificate, wait);
    }

    /// Keeps the key of a revoked certificate from being used again, where that is why.
    async fn distrust_key(&self, subject: &str, certificate: &Certificate) -> Result<()> {
        let compromised = certificate.ocsp().is_some_and(|answer| {
            let reason = Some(RevocationReason::KeyCompromise);
            matches!(answer.status(), OcspStatus::Revoked { reason: said, .. } if said == reason)
        });
        let giver = |issuer: &&Arc<dyn Issuer>| certificate.issuer() == Some(issuer.name());
        match self.0.issuers.iter().find(giver) {
            Some(issuer) if compromised => issuer.put_private_key_aside(subject, certificate).await,
            _ => Ok(()),
        }
    }

    /// Shows a revoked certificate no longer, unless it is the only one for one of its names.
    fn retire(&self, certificate: &Certificate) {
        let hash = certificate.hash();
        let has_another = |name: &String| {
            self.0.cache.certificates_of(name).iter().any(|other| other.hash() != hash)
        };
        if certificate.names().iter().all(has_another) {
            self.0.cache.remove(hash);
        }
        if self.0.cache.get(hash).is_some() {
            self.retry(certificate, Duration::MAX);
        }
    }
}
