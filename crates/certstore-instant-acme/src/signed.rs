//! Signed requests that instant-acme does not make.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, Request};
use instant_acme::{BodyWrapper, Error, HttpClient};
use serde_json::json;

use crate::account::AccountKey;
use crate::directory::{good, is_bad_nonce};

/// How often a nonce may be refused: a CA that restarts forgets those that it gave.
const ATTEMPTS: usize = 4;
const NONCE: &str = "Replay-Nonce";

/// An account that signs its requests (RFC 8555, section 6.2).
pub(crate) struct Signer {
    /// The URL of the account.
    pub(crate) account: String,
    pub(crate) key: AccountKey,
    /// Where nonces are to be had.
    pub(crate) new_nonce: String,
}

impl Signer {
    /// What a CA gives at this URL to whoever signs for it (RFC 8555, section 6.3): a certificate chain.
    pub(crate) async fn post_as_get(
        &self,
        client: &impl HttpClient,
        url: &str,
    ) -> Result<(HeaderMap, Bytes), Error> {
        let mut refused = 0;
        loop {
            let body = self.signed(&self.nonce(client).await?, url)?;
            let request = Request::post(url)
                .header(CONTENT_TYPE, "application/jose+json")
                .header(ACCEPT, "application/pem-certificate-chain")
                .body(BodyWrapper::from(body))?;
            match good(client.request(request).await?).await {
                Err(error) if is_bad_nonce(&error) && refused + 1 < ATTEMPTS => refused += 1,
                done => return done,
            }
        }
    }

    async fn nonce(&self, client: &impl HttpClient) -> Result<String, Error> {
        let request = Request::head(&self.new_nonce).body(BodyWrapper::default())?;
        let answer = client.request(request).await?;
        let nonce = answer.parts.headers.get(NONCE).and_then(|nonce| nonce.to_str().ok());
        nonce.map(str::to_owned).ok_or(Error::Str("a nonce"))
    }

    fn signed(&self, nonce: &str, url: &str) -> Result<Vec<u8>, Error> {
        let header = json!({"alg": "ES256", "kid": self.account, "nonce": nonce, "url": url});
        let protected = BASE64_URL_SAFE_NO_PAD.encode(header.to_string());
        // Nothing is said but who asks: the payload is empty.
        let signature = self.key.sign(format!("{protected}.").as_bytes())?;
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        Ok(serde_json::to_vec(
            &json!({"protected": protected, "payload": "", "signature": signature}),
        )?)
    }
}
