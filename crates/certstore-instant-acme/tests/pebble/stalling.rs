//! An HTTP client that waits before one request, so that a test can do something at that moment.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::obtain::say;

type Response = Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>>;

/// Before which request a process waits, and for which file to appear.
#[derive(Clone)]
pub(crate) struct Stall {
    /// A part of the request's URL.
    pub(crate) word: String,
    pub(crate) until: PathBuf,
    /// It waits once.
    pub(crate) over: Arc<AtomicBool>,
}

pub(crate) struct Stalling {
    client: Arc<Client<HttpsConnector<HttpConnector>, BodyWrapper<Bytes>>>,
    stall: Stall,
}

impl Stalling {
    pub(crate) fn new(ca_file: &Path, stall: Stall) -> Self {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(ca_file).expect("the CA's certificate"))
            .expect("the CA's certificate");
        let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http1().build();
        let client = Arc::new(Client::builder(TokioExecutor::new()).build(connector));
        Self { client, stall }
    }
}

impl HttpClient for Stalling {
    fn request(&self, request: Request<BodyWrapper<Bytes>>) -> Response {
        let (client, stall) = (self.client.clone(), self.stall.clone());
        let url = request.uri().to_string();
        let here = url.contains(&stall.word) && !stall.over.swap(true, Ordering::SeqCst);
        Box::pin(async move {
            if here {
                say(&format!("stalled before {url}"));
                while !stall.until.exists() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            HttpClient::request(&*client, request).await
        })
    }
}
