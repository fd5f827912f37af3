//! Who answers a CA.

use std::error::Error as StdError;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use async_trait::async_trait;
use certstore_instant_acme::{ChallengeResponder, PresentedChallenge};
use instant_acme::ChallengeType;

use crate::dns::DnsResponder;
use crate::{Cache, alpn_challenge_certificate};

type Answered = Result<(), Box<dyn StdError + Send + Sync>>;

/// Has a responder answer, DNS-01 by whoever keeps the zone where that is set up, and what it shows by TLS-ALPN-01 in the memory of this process, too: handshakes that do not look
/// into the storage find it there.
pub(super) struct Responders {
    responder: Arc<dyn ChallengeResponder>,
    dns: OnceLock<DnsResponder>,
    caches: Mutex<Vec<Weak<Cache>>>,
}

impl Responders {
    pub(super) fn new(responder: Arc<dyn ChallengeResponder>) -> Self {
        Self { responder, dns: OnceLock::new(), caches: Mutex::default() }
    }

    /// The first one counts.
    pub(super) fn set_dns(&self, dns: DnsResponder) {
        // There is one already.
        drop(self.dns.set(dns));
    }

    pub(super) fn answer_from(&self, cache: &Arc<Cache>) {
        self.caches().push(Arc::downgrade(cache));
    }

    fn caches(&self) -> MutexGuard<'_, Vec<Weak<Cache>>> {
        self.caches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dns_for(&self, challenge: &PresentedChallenge) -> Option<&DnsResponder> {
        self.dns.get().filter(|_| challenge.kind == ChallengeType::Dns01)
    }

    fn living(&self) -> Vec<Arc<Cache>> {
        self.caches().iter().filter_map(Weak::upgrade).collect()
    }
}

#[async_trait]
impl ChallengeResponder for Responders {
    fn kinds(&self, name: &str) -> Vec<ChallengeType> {
        match self.dns.get() {
            Some(_) if name.parse::<IpAddr>().is_err() => vec![ChallengeType::Dns01],
            _ => self.responder.kinds(name),
        }
    }

    async fn present(&self, challenge: &PresentedChallenge) -> Answered {
        if let Some(dns) = self.dns_for(challenge) {
            return Ok(dns.present(challenge).await?);
        }
        self.responder.present(challenge).await?;
        if challenge.kind == ChallengeType::TlsAlpn01 {
            let (name, digest) = (&challenge.identifier, challenge.key_authorization.digest());
            let key = Arc::new(alpn_challenge_certificate(name, &digest)?);
            for cache in self.living() {
                cache.set_alpn_challenge(name, Arc::clone(&key))?;
            }
        }
        Ok(())
    }

    async fn remove(&self, challenge: &PresentedChallenge) -> Answered {
        if let Some(dns) = self.dns_for(challenge) {
            return Ok(dns.remove(challenge).await?);
        }
        if challenge.kind == ChallengeType::TlsAlpn01 {
            for cache in self.living() {
                cache.remove_alpn_challenge(&challenge.identifier);
            }
        }
        self.responder.remove(challenge).await
    }
}
