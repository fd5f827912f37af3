//! Handing requests on to another server.

use http::header::{CONNECTION, HOST, HeaderName, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, Version};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::site::{Body, full};
use crate::exit::Failure;

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
        let client = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self { client, authority })
    }

    /// The server's answer; 502 when there is none.
    pub(super) async fn hand_on(&self, request: Request<Incoming>) -> Response<Body> {
        let Some(request) = self.addressed(request) else {
            return refused(StatusCode::BAD_REQUEST, "the path cannot be handed on\n");
        };
        match self.client.request(request).await {
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
    fn addressed(&self, mut request: Request<Incoming>) -> Option<Request<Incoming>> {
        let path = request.uri().path_and_query().cloned();
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        // HTTP/2 has the host in its URI.
        let host = request.headers().get(HOST).cloned().or_else(|| {
            let authority = request.uri().authority()?;
            HeaderValue::from_str(authority.as_str()).ok()
        });
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(self.authority.clone());
        *request.uri_mut() = uri.path_and_query(path).build().ok()?;
        *request.version_mut() = Version::HTTP_11;
        let headers = request.headers_mut();
        remove_hop_by_hop(headers);
        if let Some(host) = host {
            headers.insert(FORWARDED_HOST, host.clone());
            headers.insert(HOST, host);
        }
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
        Some(request)
    }
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
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
