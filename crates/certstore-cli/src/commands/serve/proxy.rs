//! Handing requests on to another server.

use std::time::Duration;

use certstore_acme::ClientAddr;
use http::header::{CONNECTION, COOKIE, HOST, HeaderName, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

use super::site::{Body, full};
use super::upgrade::Upgrade;
use crate::exit::Failure;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What is between two neighbours only (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 7] = [
    CONNECTION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Who a request is from: a server behind believes its proxy.
const CLAIMS: [HeaderName; 4] = [
    HeaderName::from_static("forwarded"),
    FORWARDED_FOR,
    FORWARDED_HOST,
    HeaderName::from_static("x-real-ip"),
];

/// After so long without a word, the system asks whether the server behind is there.
const SILENCE: Duration = Duration::from_secs(60);
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Until the head of the answer; its body may take longer.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Another server, over HTTP/1.1.
pub(super) struct Proxy {
    client: Client<HttpConnector, Incoming>,
    authority: Authority,
}

impl Proxy {
    /// # Errors
    /// It is no URL of an HTTP server.
    pub(super) fn new(to: &str) -> Result<Self, Failure> {
        let usage =
            |why: &str| Failure::Usage(format!("--to {to}: {why}, as http://127.0.0.1:3000"));
        let uri: Uri = to.parse().map_err(|_| usage("this is no URL"))?;
        if uri.scheme() != Some(&Scheme::HTTP) {
            return Err(usage("it takes the URL of an HTTP server"));
        }
        if uri.path_and_query().is_some_and(|path| path != "/") {
            return Err(usage("it takes a server without a path"));
        }
        let authority = uri.authority().cloned().ok_or_else(|| usage("it names no server"))?;
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_LIMIT));
        connector.set_keepalive(Some(SILENCE));
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, authority })
    }

    /// The server's answer; 502 when there is none.
    pub(super) async fn hand_on(&self, mut request: Request<Incoming>) -> Response<Body> {
        if request.method() == Method::CONNECT {
            return refused(StatusCode::METHOD_NOT_ALLOWED, "this is no proxy to other places\n");
        }
        let upgrade = Upgrade::asked_for(&mut request);
        let Some(mut request) = self.addressed(request) else {
            return refused(StatusCode::BAD_REQUEST, "the path cannot be handed on\n");
        };
        if let Some(upgrade) = &upgrade {
            upgrade.ask(&mut request);
        }
        let answered = match timeout(ANSWER_LIMIT, self.client.request(request)).await {
            Ok(answered) => answered,
            Err(_) => {
                tracing::warn!(to = %self.authority, "the server behind gave no answer in time");
                return refused(StatusCode::GATEWAY_TIMEOUT, "the server behind gives no answer\n");
            }
        };
        match answered {
            Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                let joined = upgrade.and_then(|upgrade| upgrade.join(response));
                joined.unwrap_or_else(|| {
                    tracing::warn!(to = %self.authority, "the server behind switches to a protocol that nobody asked for");
                    refused(StatusCode::BAD_GATEWAY, "the server behind gives no answer\n")
                })
            }
            Ok(mut response) => {
                remove_hop_by_hop(response.headers_mut());
                *response.version_mut() = Version::default();
                response.map(|body| body.map_err(Into::into).boxed_unsync())
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(to = %self.authority, %error, cause, "the server behind gave no answer");
                refused(StatusCode::BAD_GATEWAY, "the server behind gives no answer\n")
            }
        }
    }

    /// The request as the server behind gets it; `None`: its path is none for a URL.
    fn addressed<B>(&self, mut request: Request<B>) -> Option<Request<B>> {
        let path = request.uri().path_and_query().cloned();
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        // The host in the target goes before the header, which HTTP/2 does not have (RFC 9112, section 3.2.2).
        let client = request.extensions().get::<ClientAddr>().copied();
        let authority = request.uri().authority();
        let named = authority.and_then(|named| HeaderValue::from_str(named.as_str()).ok());
        let host = named.or_else(|| request.headers().get(HOST).cloned());
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(self.authority.clone());
        *request.uri_mut() = uri.path_and_query(path).build().ok()?;
        *request.version_mut() = Version::HTTP_11;
        let headers = request.headers_mut();
        remove_hop_by_hop(headers);
        // What a client says of itself is not ours to vouch for.
        for name in &CLAIMS {
            headers.remove(name);
        }
        join_cookies(headers);
        if let Some(host) = host {
            headers.insert(FORWARDED_HOST, host.clone());
            headers.insert(HOST, host);
        }
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
        let from = client.and_then(|ClientAddr(client)| {
            HeaderValue::try_from(client.ip().to_canonical().to_string()).ok()
        });
        if let Some(from) = from {
            headers.insert(FORWARDED_FOR, from);
        }
        Some(request)
    }
}

/// HTTP/2 may split them, and HTTP/1.1 knows one field (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let parts: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if parts.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&parts.join(&b"; "[..]))
    {
        headers.insert(COOKIE, joined);
    }
}

pub(super) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

fn refused(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(full(text));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;
