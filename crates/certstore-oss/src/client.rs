//! Requests: signed, sent within their time, and sent again where that can do no harm.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Bytes, BytesMut};
use certstore_core::{Error, ErrorKind, OsRandom, Random as _, Result};
use certstore_objects::{Access, silence};
use http::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use reqsign_aliyun_oss::Credential;
use reqsign_core::Signer;

use crate::config::OssConfig;
use crate::credentials;
use crate::encode::query;
use crate::endpoint::Endpoint;
use crate::error::BACKEND;
use crate::tls;
use crate::transport;

/// How often a request that may be sent twice is sent at most.
const ATTEMPTS: u32 = 3;

/// How long it waits before it is sent again: so much times the attempts, more or less.
const BACK_OFF: Duration = Duration::from_millis(100);

/// The longest answer of a refusal that is read, in bytes.
const MAX_REFUSAL: u64 = 64 << 10;

/// A bucket's server, and who asks.
pub(crate) struct Client {
    http: reqwest::Client,
    signer: Signer<Credential>,
    endpoint: Endpoint,
    pub(crate) timeout: Duration,
}

/// A request.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    method: Method,
    /// `None`: the bucket itself.
    object: Option<&'a str>,
    /// An empty value stands for a name alone.
    query: Vec<(&'static str, Cow<'a, str>)>,
    headers: Vec<(&'static str, Cow<'a, str>)>,
    body: Bytes,
    access: Access,
    repeats: bool,
    limit: u64,
}

impl<'a> Call<'a> {
    /// A read, sent again when it fails in passing; its answer has at most `limit` bytes.
    pub(crate) fn read(method: Method, object: Option<&'a str>, limit: u64) -> Self {
        let (query, headers, body) = (Vec::new(), Vec::new(), Bytes::new());
        let (access, repeats) = (Access::Read, true);
        Self { method, object, query, headers, body, access, repeats, limit }
    }

    /// A write, sent once.
    pub(crate) fn write(method: Method, object: Option<&'a str>, body: Bytes) -> Self {
        let (access, repeats) = (Access::Write, false);
        Self { body, access, repeats, ..Self::read(method, object, MAX_REFUSAL) }
    }

    /// Sent again when it fails in passing: for writes without a condition.
    pub(crate) fn repeating(self) -> Self {
        Self { repeats: true, ..self }
    }

    pub(crate) fn limit(self, limit: u64) -> Self {
        Self { limit, ..self }
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// What the server said.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whether an earlier sending of a write, which failed, may have taken effect.
    pub(crate) unclear: bool,
}

impl Reply {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A failure that the same request may not meet again.
    fn is_passing(&self) -> bool {
        matches!(self.status, 408 | 429 | 500 | 502 | 503 | 504)
    }
}

impl Client {
    /// # Errors
    /// [`ErrorKind::InvalidConfig`], naming the option.
    pub(crate) fn new(config: &OssConfig) -> Result<Self> {
        let endpoint = Endpoint::of(config)?;
        if endpoint.is_cleartext() {
            tracing::warn!(
                "the endpoint is not https: whoever is on the way reads and changes private keys"
            );
        }
        let ca_cert = config.ca_cert.as_deref();
        Ok(Self {
            http: tls::http_client(ca_cert, config.connect_timeout, endpoint.is_tls())?,
            signer: credentials::signer(config, &endpoint),
            endpoint,
            timeout: config.timeout,
        })
    }

    /// What the server says, whatever it is. All attempts end within the time-out.
    ///
    /// # Errors
    /// When it says nothing, half of it, or more than the call takes; when there are no credentials.
    pub(crate) async fn send(&self, call: &Call<'_>) -> Result<Reply> {
        let sent = tokio::time::timeout(self.timeout, self.attempts(call)).await;
        sent.unwrap_or_else(|_| Err(silence::too_late(BACKEND, self.timeout, call.access)))
    }

    async fn attempts(&self, call: &Call<'_>) -> Result<Reply> {
        let (mut attempt, mut unclear) = (1, false);
        loop {
            let last = !call.repeats || attempt == ATTEMPTS;
            match self.attempt(call).await {
                Ok(reply) if last || !reply.is_passing() => return Ok(Reply { unclear, ..reply }),
                Err(error) if last || !error.is_retryable() => {
                    let unclear = unclear || error.may_have_applied();
                    return Err(error.with_may_have_applied(unclear));
                }
                // Refused for the rate, it was not begun.
                Ok(reply) => unclear |= call.access == Access::Write && reply.status != 429,
                Err(error) => unclear |= error.may_have_applied(),
            }
            tokio::time::sleep(BACK_OFF.mul_f64(f64::from(attempt) * (0.5 + OsRandom.next_unit())))
                .await;
            attempt += 1;
        }
    }

    /// A read that gets no answer in half of the time is sent again.
    async fn attempt(&self, call: &Call<'_>) -> Result<Reply> {
        if call.access == Access::Write || !call.repeats {
            return self.once(call).await;
        }
        let limit = self.timeout / 2;
        let sent = tokio::time::timeout(limit, self.once(call)).await;
        sent.unwrap_or_else(|_| Err(silence::too_late(BACKEND, limit, call.access)))
    }

    async fn once(&self, call: &Call<'_>) -> Result<Reply> {
        let request = self.signed(call).await?;
        let sent = self.http.execute(request).await;
        let mut response = sent.map_err(|error| transport::failure(error, call.access))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let refused = status >= 300;
        let limit = if refused { MAX_REFUSAL } else { call.limit };
        if let Some(length) = response.content_length().filter(|length| *length > limit && !refused)
            && call.method != Method::HEAD
        {
            return Err(too_large(length, limit));
        }
        let mut body = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => return Err(transport::cut_short(error, call.access)),
            }
            if body.len() as u64 > limit {
                if refused {
                    break;
                }
                return Err(too_large(body.len() as u64, limit));
            }
        }
        Ok(Reply { status, headers, body: body.freeze(), unclear: false })
    }

    async fn signed(&self, call: &Call<'_>) -> Result<reqwest::Request> {
        let mut request = http::Request::builder().method(&call.method).uri(self.url(call));
        for (name, value) in &call.headers {
            request = request.header(HeaderName::from_static(name), value.as_ref());
        }
        let request = request.body(reqwest::Body::from(call.body.clone()));
        let (mut parts, body) = request.map_err(|error| unmade().with_source(error))?.into_parts();
        if !call.body.is_empty() {
            let digest = BASE64.encode(md5::compute(&call.body).0);
            let digest =
                HeaderValue::from_str(&digest).map_err(|error| unmade().with_source(error))?;
            parts.headers.insert("content-md5", digest);
            let kind = HeaderValue::from_static("application/octet-stream");
            parts.headers.entry(CONTENT_TYPE).or_insert(kind);
        }
        // Signed with the rest by version 4, whose list of more headers is then never empty.
        if let Some(authority) = parts.uri.authority() {
            let host = HeaderValue::from_str(authority.as_str());
            parts.headers.insert(HOST, host.map_err(|error| unmade().with_source(error))?);
        }
        let signed = self.signer.sign(&mut parts, None).await;
        signed.map_err(|error| credentials::unsigned(&error))?;
        let request = reqwest::Request::try_from(http::Request::from_parts(parts, body));
        request.map_err(|error| unmade().with_source(error.without_url()))
    }

    fn url(&self, call: &Call<'_>) -> String {
        let mut url = self.endpoint.url(call.object);
        for (index, (name, value)) in call.query.iter().enumerate() {
            url.push(if index == 0 { '?' } else { '&' });
            url.push_str(&query(name));
            if !value.is_empty() {
                url.push('=');
                url.push_str(&query(value));
            }
        }
        url
    }
}

fn unmade() -> Error {
    Error::new(ErrorKind::Other, "the request could not be made").with_backend(BACKEND)
}

fn too_large(size: u64, limit: u64) -> Error {
    let message = format!(
        "the object has {size} bytes, more than the {limit} that it may have here; another program has written it"
    );
    Error::new(ErrorKind::TooLarge, message).with_backend(BACKEND)
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
