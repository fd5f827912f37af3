//! The way to a CA.

use std::cell::Cell;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use certstore_core::Clock;
use http::header::{RETRY_AFTER, USER_AGENT};
use http::{HeaderValue, Request};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::retry_after::retry_after;

/// The longest Retry-After that makes a time, in seconds.
const LONGEST: u64 = u32::MAX as u64;

/// What an [`HttpClient`] gives.
pub(crate) type Answer = Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>>;

/// What TLS trusts is read once, each client has connections of its own.
pub(crate) type Connector = OnceLock<HttpsConnector<HttpConnector>>;

/// A client that trusts the certificates in a PEM file alone, or what the platform trusts.
pub(crate) fn client(
    connector: &Connector,
    roots: Option<&Path>,
) -> Result<Arc<dyn HttpClient>, Error> {
    let made = match connector.get() {
        Some(made) => made,
        None => {
            let made = connect(roots)?;
            connector.get_or_init(|| made)
        }
    };
    Ok(Arc::new(Client::builder(TokioExecutor::new()).build::<_, BodyWrapper<Bytes>>(made.clone())))
}

fn connect(roots: Option<&Path>) -> Result<HttpsConnector<HttpConnector>, Error> {
    let other = |error: rustls::Error| Error::Other(Box::new(error));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = HttpsConnectorBuilder::new();
    let builder = match roots {
        None => builder
            .with_provider_and_platform_verifier(provider)
            .map_err(|error| Error::Other(Box::new(error)))?,
        Some(file) => {
            let mut trusted = RootCertStore::empty();
            let unread = |error| Error::Other(Box::new(error));
            for root in CertificateDer::pem_file_iter(file).map_err(unread)? {
                trusted.add(root.map_err(unread)?).map_err(other)?;
            }
            let tls = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .map_err(other)?;
            builder.with_tls_config(tls.with_root_certificates(trusted).with_no_client_auth())
        }
    };
    Ok(builder.https_only().enable_http1().enable_http2().build())
}

tokio::task_local! {
    /// What the last answer of a step says of when to ask again, if it refuses.
    static AGAIN: Cell<Option<Duration>>;
}

/// Does a step of the protocol; gives also when the CA wants to be asked again, as instant-acme tells what a CA says, and
/// not in which headers.
pub(crate) async fn heard<T>(step: impl Future<Output = T>) -> (T, Option<Duration>) {
    let heard = async {
        let done = step.await;
        (done, AGAIN.with(Cell::get))
    };
    AGAIN.scope(Cell::new(None), heard).await
}

/// A client that says who asks, and waits no longer than it may for a whole answer.
pub(crate) struct Polite {
    pub(crate) client: Arc<dyn HttpClient>,
    pub(crate) user_agent: HeaderValue,
    pub(crate) limit: Duration,
    pub(crate) clock: Arc<dyn Clock>,
}

impl HttpClient for Polite {
    fn request(&self, mut request: Request<BodyWrapper<Bytes>>) -> Answer {
        request.headers_mut().insert(USER_AGENT, self.user_agent.clone());
        let (sent, late) = (self.client.request(request), self.clock.sleep(self.limit));
        let clock = Arc::clone(&self.clock);
        let answered = async move {
            let BytesResponse { mut parts, mut body } = sent.await?;
            let seconds = parts.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            // instant-acme adds what is said to its clock, which has an end.
            if seconds
                .and_then(|text| text.trim().parse::<u64>().ok())
                .is_some_and(|seconds| seconds > LONGEST)
            {
                parts.headers.remove(RETRY_AFTER);
            }
            let (refuses, now) = (!parts.status.is_success(), clock.wall());
            let again = retry_after(&parts.headers, now).filter(|_| refuses);
            // Outside of a step nobody listens.
            AGAIN.try_with(|cell| cell.set(again.and_then(|at| at.duration_since(now).ok()))).ok();
            let body = body.into_bytes().await.map_err(Error::Other)?;
            Ok(BytesResponse { parts, body: Box::new(body) })
        };
        Box::pin(async move {
            tokio::select! {
                biased;
                answer = answered => answer,
                () = late => Err(Error::Timeout(None)),
            }
        })
    }
}
