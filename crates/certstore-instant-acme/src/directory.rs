//! Requests that instant-acme does not make.

use bytes::Bytes;
use http::{HeaderMap, Request};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient, Problem};
use serde::Deserialize;

/// What is needed of a CA's directory (RFC 8555, section 7.1.1) beside what instant-acme reads of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Directory {
    pub(crate) new_nonce: String,
    /// Where it says when certificates are to be renewed (RFC 9773, section 4.1); `None`: nowhere.
    pub(crate) renewal_info: Option<String>,
}

impl Directory {
    pub(crate) async fn read(client: &impl HttpClient, url: &str) -> Result<Self, Error> {
        let (_, body) = get(client, url).await?;
        Ok(serde_json::from_slice(&body)?)
    }
}

/// The headers and the body of what `GET url` gives.
pub(crate) async fn get(client: &impl HttpClient, url: &str) -> Result<(HeaderMap, Bytes), Error> {
    let request = Request::get(url).body(BodyWrapper::default())?;
    good(client.request(request).await?).await
}

/// Headers and body of an answer that refuses nothing.
pub(crate) async fn good(answer: BytesResponse) -> Result<(HeaderMap, Bytes), Error> {
    let BytesResponse { parts, mut body } = answer;
    let body = body.into_bytes().await.map_err(Error::Other)?;
    if parts.status.is_success() {
        return Ok((parts.headers, body));
    }
    let mut problem: Problem = serde_json::from_slice(&body)?;
    problem.status = problem.status.or(Some(parts.status.as_u16()));
    Err(Error::Api(problem))
}

/// Whether a CA wants another nonce (RFC 8555, section 6.5).
pub(crate) fn is_bad_nonce(error: &Error) -> bool {
    let Error::Api(problem) = error else { return false };
    problem.r#type.as_deref().is_some_and(|kind| kind.ends_with(":badNonce"))
}
