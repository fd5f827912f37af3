//! Answers to a CA's HTTP-01.

use super::Config;
use crate::Result;

/// Where RFC 8555, section 8.3, has a CA look for answers.
pub const HTTP_CHALLENGE_PATH: &str = "/.well-known/acme-challenge/";

impl Config {
    /// What to answer to `GET path` on `host`, which may have a port: for [`HTTP_CHALLENGE_PATH`] what any node of the
    /// fleet, Caddy's among them, has been asked to show; `None`: it is no challenge that is on its way.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::Error::Storage): the storage failed; answer 503, and the CA asks again.
    ///
    /// # Cancel safety
    /// Cancel safe: it only reads.
    pub async fn http_challenge_answer(&self, host: &str, path: &str) -> Result<Option<String>> {
        if !path.starts_with(HTTP_CHALLENGE_PATH) {
            return Ok(None);
        }
        for issuer in &self.0.issuers {
            if let Some(answer) = issuer.http_challenge_answer(host, path).await? {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }
}
