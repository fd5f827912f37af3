//! Answers to a CA's HTTP-01 and TLS-ALPN-01.

use std::sync::Arc;
use std::time::Duration;

use certstore_core::{Error as StorageError, ErrorKind, one_line};
use rustls::ServerConfig;
use rustls::server::ClientHello;
use rustls::sign::CertifiedKey;
use tokio::sync::Semaphore;

use super::Config;
use crate::cache::{challenge_config, is_alpn_challenge};
use crate::{Result, alpn_challenge_certificate};

/// Where RFC 8555, section 8.3, has a CA look for answers.
pub const HTTP_CHALLENGE_PATH: &str = "/.well-known/acme-challenge/";

/// How long a CA waits for the storage: it gives up after about ten seconds.
const STORAGE_LIMIT: Duration = Duration::from_secs(5);
/// Handshakes, and requests, at a time that read the storage: anybody can say that it is a CA.
const READERS: usize = 16;

/// Those that read the storage.
#[derive(Debug)]
pub(super) struct Readers {
    handshakes: Semaphore,
    requests: Semaphore,
}

impl Default for Readers {
    fn default() -> Self {
        Self { handshakes: Semaphore::new(READERS), requests: Semaphore::new(READERS) }
    }
}

impl Config {
    /// What to answer to `GET path` on `host`, which may have a port: for [`HTTP_CHALLENGE_PATH`] what any node of the
    /// fleet, Caddy's among them, has been asked to show; `None`: it is no challenge that is on its way.
    ///
    /// It takes five seconds at most, and sixteen read the storage at a time: anybody can ask.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::Error::Storage): the storage failed, or takes too long (`Unavailable`); answer 503, and the CA
    /// asks again.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub async fn http_challenge_answer(&self, host: &str, path: &str) -> Result<Option<String>> {
        if !path.starts_with(HTTP_CHALLENGE_PATH) {
            return Ok(None);
        }
        tokio::select! {
            biased;
            () = self.0.clock.sleep(STORAGE_LIMIT) => {
                Err(StorageError::new(ErrorKind::Unavailable, "the storage takes too long").into())
            }
            answer = self.stored_http_answer(host, path) => answer,
        }
    }

    async fn stored_http_answer(&self, host: &str, path: &str) -> Result<Option<String>> {
        // It is never closed.
        let _turn = self.0.readers.requests.acquire().await.ok();
        let mut failed = None;
        for issuer in &self.0.issuers {
            match issuer.http_challenge_answer(host, path).await {
                Ok(Some(answer)) => return Ok(Some(answer)),
                Ok(None) => {}
                // Another issuer may have what is asked for.
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(None), Err)
    }

    /// What to shake hands with when the client is a CA that checks TLS-ALPN-01 (RFC 8737), whichever node of the fleet,
    /// Caddy's among them, has ordered. `None`: it is none, or asks for what nobody is to show; go on as with any
    /// client, and a CA is refused.
    ///
    /// [`TlsListener`](crate::TlsListener) asks by itself. A server of your own asks between the hello and the
    /// handshake, with `tokio_rustls::LazyConfigAcceptor` for one; without that, a CA is answered by the node that has
    /// ordered and by no other. The connection is over after the handshake: close it.
    ///
    /// Only a hello that offers `acme-tls/1` and nothing else makes it read the storage: for five seconds at most, and
    /// for sixteen handshakes at a time.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub async fn alpn_challenge_config(
        &self,
        hello: &ClientHello<'_>,
    ) -> Option<Arc<ServerConfig>> {
        let asked = hello.server_name().filter(|_| is_alpn_challenge(hello))?.to_owned();
        // What is in memory may be of an order that was given up, and another node's has come since.
        let stored = self.stored_alpn_challenge(&asked).await;
        let key = stored.or_else(|| self.0.cache.alpn_challenge(&asked))?;
        Some(Arc::new(challenge_config(key)))
    }

    /// The certificate that answers for a challenge in the storage.
    async fn stored_alpn_challenge(&self, server_name: &str) -> Option<Arc<CertifiedKey>> {
        let read = async {
            // It is never closed.
            let _turn = self.0.readers.handshakes.acquire().await.ok();
            for issuer in &self.0.issuers {
                let key = issuer.alpn_challenge_answer(server_name).await.and_then(|answer| {
                    let Some(answer) = answer else { return Ok(None) };
                    let digest = answer.key_authorization.digest();
                    Ok(Some(alpn_challenge_certificate(&answer.identifier, &digest)?))
                });
                match key {
                    Ok(Some(key)) => return Some(Arc::new(key)),
                    Ok(None) => {}
                    Err(error) => {
                        let (issuer, error) = (issuer.name(), one_line(&error));
                        tracing::debug!(
                            server_name,
                            issuer,
                            error,
                            "a challenge could not be read"
                        );
                    }
                }
            }
            None
        };
        tokio::select! {
            // Whoever gets its turn too late does not begin.
            biased;
            () = self.0.clock.sleep(STORAGE_LIMIT) => {
                tracing::debug!(server_name, "the storage takes too long to read a challenge");
                None
            }
            found = read => found,
        }
    }
}

#[cfg(test)]
#[path = "challenges_tests.rs"]
mod tests;
