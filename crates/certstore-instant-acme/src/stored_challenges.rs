//! Answers to challenges in the storage, so that any process can give them.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use certstore_core::{Error, ErrorKind, Key, Result, Storage, StorageKeys};
use instant_acme::ChallengeType;
use serde::{Deserialize, Serialize};

use crate::{Ca, ChallengeResponder, KeyAuthorization, PresentedChallenge, alpn_server_name};

const HTTP_01: &str = "http-01";
const TLS_ALPN_01: &str = "tls-alpn-01";
/// Where RFC 8555, section 8.3, has the CA look.
const PATH: &str = "/.well-known/acme-challenge/";

/// Answers HTTP-01 and TLS-ALPN-01 through the storage: the process that orders puts the answer there, and whichever
/// process the CA reaches gives it ([`http_answer`](Self::http_answer), [`alpn_answer`](Self::alpn_answer)).
///
/// The answers lie where CertMagic's do, in their form, so Caddy's are given, too. Wildcards are not answered for: they
/// need DNS-01.
///
/// ```
/// use std::sync::Arc;
/// use certstore_core::MemoryStorage;
/// use certstore_instant_acme::{Ca, StoredChallenges};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_core::Error> {
/// let challenges = StoredChallenges::new(Arc::new(MemoryStorage::new()), &Ca::new("https://ca.example/dir"));
/// let answer = challenges.http_answer("example.com", "/.well-known/acme-challenge/token").await?;
/// assert_eq!(answer, None);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct StoredChallenges {
    storage: Arc<dyn Storage>,
    issuer: String,
    kinds: Vec<ChallengeType>,
}

/// What answers a CA that asks by TLS-ALPN-01.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlpnAnswer {
    /// What is validated: a DNS name or an IP address.
    pub identifier: String,
    /// The answer, whose digest the certificate of the handshake has to bear.
    pub key_authorization: KeyAuthorization,
}

/// CertMagic's form: the challenge object of RFC 8555, section 8, with the answer and the name.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    r#type: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    status: String,
    token: String,
    key_authorization: String,
    identifier: StoredIdentifier,
}

#[derive(Serialize, Deserialize)]
struct StoredIdentifier {
    r#type: String,
    value: String,
}

impl StoredChallenges {
    /// The challenges of a CA; both kinds are offered to it, HTTP-01 first.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, ca: &Ca) -> Self {
        let kinds = vec![ChallengeType::Http01, ChallengeType::TlsAlpn01];
        Self { storage, issuer: ca.issuer().to_owned(), kinds }
    }

    /// Orders are not validated by HTTP-01: nobody of the fleet is reached at port 80. What others have stored is
    /// answered all the same.
    #[must_use]
    pub fn disable_http_challenge(mut self) -> Self {
        self.kinds.retain(|kind| *kind != ChallengeType::Http01);
        self
    }

    /// Orders are not validated by TLS-ALPN-01: nobody of the fleet is reached at port 443, or TLS ends before it.
    /// What others have stored is answered all the same.
    #[must_use]
    pub fn disable_tls_alpn_challenge(mut self) -> Self {
        self.kinds.retain(|kind| *kind != ChallengeType::TlsAlpn01);
        self
    }

    /// Tries TLS-ALPN-01 first.
    #[must_use]
    pub fn prefer_tls_alpn_challenge(mut self) -> Self {
        self.kinds.sort_by_key(|kind| *kind != ChallengeType::TlsAlpn01);
        self
    }

    /// What to answer to `GET path` on `host`, which may have a port: `None` when it is no challenge that is on its way.
    ///
    /// # Errors
    /// Of the storage; [`ErrorKind::Corrupt`]: what is stored there is no challenge.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub async fn http_answer(&self, host: &str, path: &str) -> Result<Option<String>> {
        let Some(token) = path.strip_prefix(PATH) else { return Ok(None) };
        let name = without_port(host);
        let stored = self.load(name).await?.filter(|stored| {
            stored.r#type == HTTP_01
                && stored.token == token
                && stored.identifier.value.eq_ignore_ascii_case(name)
        });
        Ok(stored.map(|stored| stored.key_authorization))
    }

    /// What to answer to a handshake that offers `acme-tls/1` alone and asks for this server name, which of an IP
    /// address is the one for reverse lookups: `None` when it is no challenge that is on its way.
    ///
    /// # Errors
    /// As [`http_answer`](Self::http_answer).
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub async fn alpn_answer(&self, server_name: &str) -> Result<Option<AlpnAnswer>> {
        let stored = self.load(server_name).await?.filter(|stored| {
            let asked = alpn_server_name(&stored.identifier.value);
            stored.r#type == TLS_ALPN_01 && asked.eq_ignore_ascii_case(server_name)
        });
        Ok(stored.map(|stored| AlpnAnswer {
            identifier: stored.identifier.value,
            key_authorization: KeyAuthorization::new(stored.key_authorization),
        }))
    }

    async fn load(&self, name: &str) -> Result<Option<Stored>> {
        // Whoever asks chooses the name: what gives no key is no name of ours.
        let Ok(key) = StorageKeys::challenge_token(&self.issuer, name) else { return Ok(None) };
        let json = match self.storage.load(&key).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            loaded => loaded?,
        };
        let stored = serde_json::from_slice(&json).map_err(|error| {
            Error::new(ErrorKind::Corrupt, "what is stored here is no challenge")
                .with_operation("load")
                .with_key(&key)
                .with_source(error)
        })?;
        Ok(Some(stored))
    }

    /// Where CertMagic keeps it: by what the CA asks with.
    fn key(&self, challenge: &PresentedChallenge) -> Result<Key> {
        let asked = match challenge.kind {
            ChallengeType::TlsAlpn01 => alpn_server_name(&challenge.identifier),
            _ => challenge.identifier.clone(),
        };
        StorageKeys::challenge_token(&self.issuer, &asked)
    }
}

/// The host of `example.com:80` or `[::1]:80`.
fn without_port(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    }
}

#[async_trait]
impl ChallengeResponder for StoredChallenges {
    fn kinds(&self, name: &str) -> Vec<ChallengeType> {
        if name.starts_with("*.") { Vec::new() } else { self.kinds.clone() }
    }

    async fn present(
        &self,
        challenge: &PresentedChallenge,
    ) -> Result<(), Box<dyn StdError + Send + Sync>> {
        let kind = match challenge.kind {
            ChallengeType::TlsAlpn01 => TLS_ALPN_01,
            _ => HTTP_01,
        };
        let stored = Stored {
            r#type: kind.into(),
            url: challenge.url.clone(),
            status: "pending".into(),
            token: challenge.token.clone(),
            key_authorization: challenge.key_authorization.as_str().into(),
            identifier: StoredIdentifier {
                r#type: if challenge.is_address { "ip" } else { "dns" }.into(),
                value: challenge.identifier.clone(),
            },
        };
        let key = self.key(challenge)?;
        self.storage.store(&key, &serde_json::to_vec(&stored)?).await?;
        Ok(())
    }

    async fn remove(
        &self,
        challenge: &PresentedChallenge,
    ) -> Result<(), Box<dyn StdError + Send + Sync>> {
        let key = self.key(challenge)?;
        Ok(self.storage.delete(&key).await?)
    }
}

impl fmt::Debug for StoredChallenges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredChallenges")
            .field("storage", &self.storage.backend())
            .field("issuer", &self.issuer)
            .field("kinds", &self.kinds)
            .finish()
    }
}

#[cfg(test)]
#[path = "stored_challenges_tests.rs"]
mod tests;
