//! An HTTP client that keeps what it sends.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

type Answer = std::pin::Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>>;

/// What was sent to one URL.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) url: String,
    pub(crate) user_agent: String,
    /// What was signed; `null` where nothing was.
    pub(crate) payload: Value,
}

#[derive(Clone)]
pub(crate) struct Recording {
    client: Arc<Client<HttpsConnector<HttpConnector>, BodyWrapper<Bytes>>>,
    sent: Arc<Mutex<Vec<Sent>>>,
    refused: Arc<AtomicUsize>,
}

impl Recording {
    pub(crate) fn new(root: &Path) -> Self {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_file(root).expect("the CA's certificate");
        roots.add(root).expect("the CA's certificate");
        let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http1().build();
        let client = Arc::new(Client::builder(TokioExecutor::new()).build(connector));
        Self { client, sent: Arc::default(), refused: Arc::default() }
    }

    /// How many requests were refused as bad.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    /// What was sent to URLs with `word` in them, in order.
    pub(crate) fn sent(&self, word: &str) -> Vec<Sent> {
        let sent = self.sent.lock().expect("nothing panicked");
        sent.iter().filter(|sent| sent.url.contains(word)).cloned().collect()
    }
}

impl HttpClient for Recording {
    fn request(&self, request: Request<BodyWrapper<Bytes>>) -> Answer {
        let this = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body =
                body.collect().await.map_or_else(|never| match never {}, |all| all.to_bytes());
            let user_agent = parts.headers["user-agent"].to_str().unwrap_or_default().to_owned();
            let sent = Sent { url: parts.uri.to_string(), user_agent, payload: payload(&body) };
            this.sent.lock().expect("nothing panicked").push(sent);
            let request = Request::from_parts(parts, BodyWrapper::from(body.to_vec()));
            let answer = HttpClient::request(&*this.client, request).await?;
            if answer.parts.status == StatusCode::BAD_REQUEST {
                this.refused.fetch_add(1, Ordering::SeqCst);
            }
            Ok(answer)
        })
    }
}

fn payload(body: &[u8]) -> Value {
    let signed = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let text = signed["payload"].as_str().unwrap_or_default();
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}
