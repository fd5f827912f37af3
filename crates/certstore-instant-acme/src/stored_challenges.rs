//! Answers to challenges in the storage, so that any process can give them.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use certstore_core::{Error, ErrorKind, Result, Storage, StorageKeys};
use instant_acme::ChallengeType;
use serde::{Deserialize, Serialize};

use crate::{Ca, ChallengeResponder, PresentedChallenge};

const HTTP_01: &str = "http-01";
/// Where RFC 8555, section 8.3, has the CA look.
const PATH: &str = "/.well-known/acme-challenge/";

/// Answers HTTP-01 through the storage: the process that orders puts the answer there, and whichever process the CA
/// reaches gives it ([`http_answer`](Self::http_answer)).
///
/// The answers lie where CertMagic's do, in their form, so Caddy's are given, too.
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
}

/// CertMagic's form: the challenge object of RFC 8555, section 8, with the answer and the name.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    r#type: String,
    url: String,
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
    /// The challenges of a CA.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, ca: &Ca) -> Self {
        Self { storage, issuer: ca.issuer().to_owned() }
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
        // Whoever asks chooses the host: what gives no key is no name of ours.
        let Ok(key) = StorageKeys::challenge_token(&self.issuer, name) else { return Ok(None) };
        let json = match self.storage.load(&key).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            loaded => loaded?,
        };
        let stored: Stored = serde_json::from_slice(&json).map_err(|error| {
            Error::new(ErrorKind::Corrupt, "what is stored here is no challenge")
                .with_operation("load")
                .with_key(&key)
                .with_source(error)
        })?;
        let asked = stored.r#type == HTTP_01
            && stored.token == token
            && stored.identifier.value.eq_ignore_ascii_case(name);
        Ok(asked.then_some(stored.key_authorization))
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
    fn kind(&self, _name: &str) -> ChallengeType {
        ChallengeType::Http01
    }

    async fn present(
        &self,
        challenge: &PresentedChallenge,
    ) -> Result<(), Box<dyn StdError + Send + Sync>> {
        let stored = Stored {
            r#type: HTTP_01.into(),
            url: challenge.url.clone(),
            status: "pending".into(),
            token: challenge.token.clone(),
            key_authorization: challenge.key_authorization.as_str().into(),
            identifier: StoredIdentifier {
                r#type: if challenge.is_address { "ip" } else { "dns" }.into(),
                value: challenge.identifier.clone(),
            },
        };
        let key = StorageKeys::challenge_token(&self.issuer, &challenge.identifier)?;
        self.storage.store(&key, &serde_json::to_vec(&stored)?).await?;
        Ok(())
    }

    async fn remove(
        &self,
        challenge: &PresentedChallenge,
    ) -> Result<(), Box<dyn StdError + Send + Sync>> {
        let key = StorageKeys::challenge_token(&self.issuer, &challenge.identifier)?;
        Ok(self.storage.delete(&key).await?)
    }
}

impl fmt::Debug for StoredChallenges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredChallenges")
            .field("storage", &self.storage.backend())
            .field("issuer", &self.issuer)
            .finish()
    }
}

#[cfg(test)]
#[path = "stored_challenges_tests.rs"]
mod tests;
