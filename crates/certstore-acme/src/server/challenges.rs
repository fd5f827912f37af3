//! Answering a CA, and nobody else.

use std::fmt;
use std::future::{Future, pending};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use super::TlsListener;
use super::https::{Connections, listen};
use crate::{Config, Result, tls_config};

/// How long a client may take to send the head of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long answers may take to end when the server is stopped.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// Answers the challenges of a CA for a program that obtains certificates and serves no site: HTTP-01 on one address,
/// TLS-ALPN-01 on another. It answers for every node over the same storage.
pub struct ChallengeServer {
    config: Config,
    http: Option<TcpListener>,
    https: Option<TlsListener>,
}

impl ChallengeServer {
    /// Listens where it is told, for HTTP-01 and for TLS-ALPN-01.
    ///
    /// # Errors
    /// [`Error::Listen`](crate::Error::Listen): an address cannot be had.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn bind(
        config: &Config,
        http: Option<SocketAddr>,
        https: Option<SocketAddr>,
    ) -> Result<Self> {
        let http = match http {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let https = match https {
            Some(address) => {
                let tls = tls_config(Arc::clone(config.cache()), None);
                Some(TlsListener::new(listen(address).await?, config, tls))
            }
            None => None,
        };
        Ok(Self { config: config.clone(), http, https })
    }

    /// Where HTTP-01 is answered; `None` when it is not.
    ///
    /// # Errors
    /// Of the operating system.
    pub fn http_addr(&self) -> std::io::Result<Option<SocketAddr>> {
        self.http.as_ref().map(TcpListener::local_addr).transpose()
    }

    /// Where TLS-ALPN-01 is answered; `None` when it is not.
    ///
    /// # Errors
    /// Of the operating system.
    pub fn https_addr(&self) -> std::io::Result<Option<SocketAddr>> {
        self.https.as_ref().map(TlsListener::local_addr).transpose()
    }

    /// Answers until `stop` completes.
    ///
    /// # Cancel safety
    /// Dropped, it accepts no more.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let Self { config, http, https } = self;
        let connections = Connections::new(HEADER_TIMEOUT);
        let plain = async {
            match http {
                Some(http) => connections.answer_http(http, &config, None).await,
                None => pending().await,
            }
        };
        let secure = async {
            let Some(mut https) = https else { return pending().await };
            loop {
                // Whoever is no CA has nothing to ask here.
                drop(https.accept().await);
            }
        };
        tokio::select! {
            () = stop => {}
            () = plain => {}
            () = secure => {}
        }
        connections.end(SHUTDOWN_TIMEOUT).await;
    }
}

impl fmt::Debug for ChallengeServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChallengeServer")
            .field("http", &self.http)
            .field("https", &self.https)
            .finish_non_exhaustive()
    }
}
