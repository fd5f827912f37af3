//! What a CA asks to be shown, and who shows it.

use std::error::Error as StdError;
use std::fmt;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use instant_acme::{ChallengeHandle, ChallengeType};
use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};

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
    /// Whether it is for a wildcard, whose name beneath is the identifier.
    pub is_wildcard: bool,
    /// The answer: as it is for HTTP-01, its digest for TLS-ALPN-01 and DNS-01.
    pub key_authorization: KeyAuthorization,
}

impl PresentedChallenge {
    /// One as it may come from a CA, for tests of what answers: `name` may be a wildcard, as `*.example.com`.
    #[must_use]
    pub fn new(kind: ChallengeType, name: &str, token: &str, key_authorization: &str) -> Self {
        let beneath = name.strip_prefix("*.");
        Self {
            kind,
            url: String::new(),
            token: token.to_owned(),
            identifier: beneath.unwrap_or(name).to_owned(),
            is_address: name.parse::<std::net::IpAddr>().is_ok(),
            is_wildcard: beneath.is_some(),
            key_authorization: KeyAuthorization::new(key_authorization),
        }
    }

    pub(crate) fn of(challenge: &ChallengeHandle<'_>) -> Self {
        let (name, answer) = (challenge.identifier().to_string(), challenge.key_authorization());
        let kind = challenge.r#type.clone();
        let new = Self::new(kind, &name, &challenge.token, answer.as_str());
        Self { url: challenge.url.clone(), ..new }
    }

    /// What is to be validated, a wildcard as `*.example.com`.
    #[must_use]
    pub fn name(&self) -> String {
        match self.is_wildcard {
            true => format!("*.{}", self.identifier),
            false => self.identifier.clone(),
        }
    }
}

/// The answer to a challenge: the token with the thumbprint of the account's key (RFC 8555, section 8.1). `Debug` does
/// not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyAuthorization(String);

impl KeyAuthorization {
    /// Of what another process has stored, or a test says.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As HTTP-01 answers it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its SHA-256, which TLS-ALPN-01 has in a certificate (RFC 8737, section 3).
    #[must_use]
    pub fn digest(&self) -> [u8; SHA256_OUTPUT_LEN] {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(digest(&SHA256, self.0.as_bytes()).as_ref());
        bytes
    }

    /// The value of the TXT record that answers DNS-01 (RFC 8555, section 8.4).
    #[must_use]
    pub fn dns_value(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.digest())
    }
}

impl fmt::Debug for KeyAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyAuthorization").finish_non_exhaustive()
    }
}

/// Puts the answers to challenges where the CA looks for them. [`StoredChallenges`](crate::StoredChallenges) does it for
/// HTTP-01 and TLS-ALPN-01 through the storage, for a whole fleet.
#[async_trait]
pub trait ChallengeResponder: Send + Sync {
    /// Which challenges are answered for a name, the preferred one first; a wildcard is given as `*.example.com`. When
    /// there is none, nothing is ordered for the name.
    ///
    /// An order takes the first one that the CA offers, and that has not failed for the name more often than another.
    fn kinds(&self, name: &str) -> Vec<ChallengeType>;

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
