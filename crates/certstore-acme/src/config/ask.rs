//! Another service that says which names may have a certificate.

use std::time::Duration;

use bytes::Bytes;
use certstore_core::{Error, ErrorKind, Result};
use http::{Request, StatusCode, Uri};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::time::timeout;

use crate::http_client::{self, HttpClient};

/// How long the service may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is read of its answer, of which the status alone counts.
const LONGEST: usize = 64 * 1024;

/// Where it is asked.
#[derive(Clone)]
pub(super) struct Asker {
    url: Uri,
    client: AskClient,
}

#[derive(Debug, Clone)]
enum AskClient {
    Plain(HttpClient<HttpConnector>),
    Tls(HttpClient<HttpsConnector<HttpConnector>>),
}

impl Asker {
    /// At this URL; `tls` is how it is trusted, as the platform does unless it is given.
    pub(super) fn new(url: &str, tls: Option<ClientConfig>) -> Result<Self> {
        let unusable = || {
            let rule = "the URL to ask begins with http:// or https:// and names a host";
            Error::new(ErrorKind::InvalidConfig, rule)
        };
        let url: Uri = url.parse().map_err(|error| unusable().with_source(error))?;
        let client = match (url.scheme_str(), url.host()) {
            (Some("http"), Some(_)) => AskClient::Plain(http_client::plain()),
            (Some("https"), Some(_)) => {
                let tls = tls.map_or_else(platform, Ok)?;
                let connector = HttpsConnectorBuilder::new().with_tls_config(tls);
                let connector = connector.https_only().enable_http1().build();
                AskClient::Tls(http_client::over(connector))
            }
            _ => return Err(unusable()),
        };
        Ok(Self { url, client })
    }

    /// Its host: the rest of a URL may hold a secret.
    pub(super) fn host(&self) -> &str {
        self.url.host().unwrap_or_default()
    }

    /// Whether it allows a name, by the status 200 and no other.
    pub(super) async fn allows(&self, name: &str) -> Result<bool> {
        let request = Request::get(self.question(name)?).body(Full::new(Bytes::new()));
        let request = request.map_err(|error| failed("the question cannot be asked", error))?;
        let asked = async {
            match &self.client {
                AskClient::Plain(client) => http_client::send(client, request, LONGEST).await,
                AskClient::Tls(client) => http_client::send(client, request, LONGEST).await,
            }
        };
        let answer = timeout(PATIENCE, asked).await;
        let answer = answer.map_err(|error| failed("it takes too long", error))??;
        Ok(answer.status() == StatusCode::OK)
    }

    /// The URL with `domain=NAME` behind its query.
    fn question(&self, name: &str) -> Result<Uri> {
        let mut parts = self.url.clone().into_parts();
        let path = match (self.url.path(), self.url.query()) {
            (path, Some(query)) if !query.is_empty() => format!("{path}?{query}&domain={name}"),
            (path, _) => format!("{path}?domain={name}"),
        };
        let path = path.parse().map_err(|error| failed("the question cannot be asked", error))?;
        parts.path_and_query = Some(path);
        Uri::from_parts(parts).map_err(|error| failed("the question cannot be asked", error))
    }
}

fn platform() -> Result<ClientConfig> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let trusted = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_platform_verifier());
    let trusted = trusted.map_err(|error| {
        let what = "what the platform trusts cannot be read; ask by http, or say what to trust";
        Error::new(ErrorKind::InvalidConfig, what).with_source(error)
    })?;
    Ok(trusted.with_no_client_auth())
}

fn failed(what: &'static str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unavailable, what).with_source(error)
}

#[cfg(test)]
#[path = "ask_tests.rs"]
mod tests;
