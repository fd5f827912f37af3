//! Who answers a CA.

use std::error::Error as StdError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_trait::async_trait;
use certstore_instant_acme::{ChallengeResponder, PresentedChallenge};
use instant_acme::ChallengeType;

use crate::{Cache, alpn_challenge_certificate};

type Answered = Result<(), Box<dyn StdError + Send + Sync>>;

/// Has a responder answer, and what it shows by TLS-ALPN-01 in the memory of this process, too: handshakes that do not look
/// into the storage find it there.
pub(super) struct Responders {
    responder: Arc<dyn ChallengeResponder>,
    caches: Mutex<Vec<Weak<Cache>>>,
}

impl Responders {
    pub(super) fn new(responder: Arc<dyn ChallengeResponder>) -> Self {
        Self { responder, caches: Mutex::default() }
    }

    pub(super) fn answer_from(&self, cache: &Arc<Cache>) {
        self.caches().push(Arc::downgrade(cache));
    }

    fn caches(&self) -> MutexGuard<'_, Vec<Weak<Cache>>> {
        self.caches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn living(&self) -> Vec<Arc<Cache>> {
        self.caches().iter().filter_map(Weak::upgrade).collect()
    }
}

#[async_trait]
impl ChallengeResponder for Responders {
    fn kinds(&self, name: &str) -> Vec<ChallengeType> {
        self.responder.kinds(name)
    }

    async fn present(&self, challenge: &PresentedChallenge) -> Answered {
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
        if challenge.kind == ChallengeType::TlsAlpn01 {
            for cache in self.living() {
                cache.remove_alpn_challenge(&challenge.identifier);
            }
        }
        self.responder.remove(challenge).await
    }
}
