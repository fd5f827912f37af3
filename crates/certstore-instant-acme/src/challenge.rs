//! What a CA asks to be shown, and who shows it.

use std::error::Error as StdError;

use async_trait::async_trait;
use instant_acme::{ChallengeHandle, ChallengeType, KeyAuthorization};

/// A challenge whose answer the CA is about to look for.
#[derive(Debug)]
#[non_exhaustive]
pub struct PresentedChallenge {
    /// Its kind.
    pub kind: ChallengeType,
    /// Its URL at the CA.
    pub url: String,
    /// The token that the CA has chosen.
    pub token: String,
    /// The name that is to be validated: a DNS name, of a wildcard the name beneath it, or an IP address.
    pub identifier: String,
    /// Whether the identifier is an IP address.
    pub is_address: bool,
    /// The answer: as it is for HTTP-01, its digest for TLS-ALPN-01 and DNS-01.
    pub key_authorization: KeyAuthorization,
}

impl PresentedChallenge {
    pub(crate) fn of(challenge: &ChallengeHandle<'_>) -> Self {
        let identifier = challenge.identifier().identifier;
        Self {
            kind: challenge.r#type.clone(),
            url: challenge.url.clone(),
            token: challenge.token.clone(),
            identifier: identifier.authorized(false).to_string(),
            is_address: matches!(identifier, instant_acme::Identifier::Ip(_)),
            key_authorization: challenge.key_authorization(),
        }
    }
}

/// Puts the answers to challenges where the CA looks for them. [`StoredChallenges`](crate::StoredChallenges) does it for
/// HTTP-01 through the storage, for a whole fleet.
#[async_trait]
pub trait ChallengeResponder: Send + Sync {
    /// Which challenge is answered for a name; a wildcard as `*.example.com`.
    fn kind(&self, name: &str) -> ChallengeType;

    /// Makes the answer visible to the CA, and returns when it is.
    ///
    /// # Errors
    /// Any; the order stays, and the next call resumes it.
    ///
    /// # Cancel safety
    /// It is dropped when the lock is lost or the caller gives up. What it left is overwritten by whoever comes next.
    async fn present(
        &self,
        challenge: &PresentedChallenge,
    ) -> Result<(), Box<dyn StdError + Send + Sync>>;

    /// Takes the answer away, once the CA has looked or an order has failed.
    ///
    /// # Errors
    /// Any; it is a warning in the log, and the order goes on.
    ///
    /// # Cancel safety
    /// As [`present`](Self::present).
    async fn remove(
        &self,
        challenge: &PresentedChallenge,
    ) -> Result<(), Box<dyn StdError + Send + Sync>>;
}
