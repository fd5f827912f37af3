//! An HTTPS server.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::future::Future;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tower_service::Service;

use super::TlsListener;
use super::redirect::answer;
use crate::{
    Config, Error, HTTP_CHALLENGE_PORT, Result, TLS_ALPN_CHALLENGE_PORT, TicketKeys, tls_config,
};

/// Connections of plain HTTP at a time: beyond it new ones wait in the kernel's queue.
const PLAIN: usize = 4096;

/// Where and how an [`HttpsServer`] listens.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpsOptions {
    /// Where HTTPS is served; port 443 of every address unless set.
    pub https: SocketAddr,
    /// Where HTTP is answered: challenges of a CA, and redirects to HTTPS. Port 80 of every address unless set; `None`: not at
    /// all.
    pub http: Option<SocketAddr>,
    /// The port that redirects name, where it is forwarded to another one; that of [`https`](Self::https) unless set.
    pub redirect_port: Option<u16>,
    /// How long a client may take to send the head of a request, and with HTTP/2 be silent before it is asked whether it
    /// is there; 30 seconds unless set.
    pub header_timeout: Duration,
    /// How long requests may take to end when the server is stopped; 10 seconds unless set.
    pub shutdown_timeout: Duration,
    /// Session ticket keys, shared by a fleet; of this process alone unless set.
    pub tickets: Option<Arc<TicketKeys>>,
}

impl Default for HttpsOptions {
    fn default() -> Self {
        Self {
            https: (Ipv6Addr::UNSPECIFIED, TLS_ALPN_CHALLENGE_PORT).into(),
            http: Some((Ipv6Addr::UNSPECIFIED, HTTP_CHALLENGE_PORT).into()),
            redirect_port: None,
            header_timeout: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(10),
            tickets: None,
        }
    }
}

/// Who has sent a request: in the extensions of each that an [`HttpsServer`] serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddr(pub SocketAddr);

/// Serves over HTTPS with the certificates of a [`Config`]: HTTP/1.1 and HTTP/2, with redirects from HTTP and answers to a
/// CA's HTTP-01. Requests have the address of their client in their extensions, as [`ClientAddr`].
#[derive(Debug)]
pub struct HttpsServer {
    config: Config,
    options: HttpsOptions,
    https: TlsListener,
    http: Option<TcpListener>,
}

impl HttpsServer {
    /// Listens. Certificates are [managed](Config::manage) after it: a CA's challenges are answered once
    /// [`serve`](Self::serve) runs.
    ///
    /// # Errors
    /// [`Error::Listen`]: an address cannot be had.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn bind(config: &Config, options: HttpsOptions) -> Result<Self> {
        let tls = tls_config(Arc::clone(config.cache()), options.tickets.clone());
        let https = TlsListener::new(listen(options.https).await?, config, tls);
        let http = match options.http {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        Ok(Self { config: config.clone(), options, https, http })
    }

    /// Where HTTPS is served.
    ///
    /// # Errors
    /// Of the operating system.
    pub fn https_addr(&self) -> std::io::Result<SocketAddr> {
        self.https.local_addr()
    }

    /// Where HTTP is answered; `None` when it is not.
    ///
    /// # Errors
    /// Of the operating system.
    pub fn http_addr(&self) -> std::io::Result<Option<SocketAddr>> {
        self.http.as_ref().map(TcpListener::local_addr).transpose()
    }

    /// Serves until `stop` completes; then no connection is accepted any more, and requests have
    /// [`shutdown_timeout`](HttpsOptions::shutdown_timeout) to end.
    ///
    /// # Cancel safety
    /// Dropped, it accepts no more; requests go on in tasks of their own.
    pub async fn serve<S, B>(self, service: S, stop: impl Future<Output = ()>)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let Self { config, options, mut https, http } = self;
        let connections = Connections::new(options.header_timeout);
        let port = options.redirect_port.or_else(|| https.local_addr().ok().map(|at| at.port()));
        let port = port.unwrap_or(TLS_ALPN_CHALLENGE_PORT);
        let secure = async {
            loop {
                let (stream, client) = https.accept().await;
                let http = match stream.get_ref().1.alpn_protocol() {
                    Some(b"h2") => &connections.http2,
                    _ => &connections.http1,
                };
                connections.serve(http, stream, client, TowerToHyperService::new(service.clone()));
            }
        };
        let plain = async {
            match http {
                Some(http) => connections.answer_http(http, &config, Some(port)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop => {}
            () = secure => {}
            () = plain => {}
        }
        connections.end(options.shutdown_timeout).await;
    }
}

/// Listens. "Every address" is that of IPv4 where a machine has no IPv6.
pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener> {
    let bound = match TcpListener::bind(address).await {
        Err(error) if address.ip() == Ipv6Addr::UNSPECIFIED && lacks_ipv6(&error) => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        bound => bound,
    };
    bound.map_err(|source| Error::Listen { address, source })
}

fn lacks_ipv6(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::AddrNotAvailable | ErrorKind::Unsupported)
        // EAFNOSUPPORT, which has no kind of its own.
        || error.raw_os_error() == Some(97)
}

/// The connections that are open.
pub(super) struct Connections {
    http1: Builder<TokioExecutor>,
    http2: Builder<TokioExecutor>,
    open: GracefulShutdown,
    header_timeout: Duration,
}

/// Notes that a request has come: hyper limits the head of one that has begun, and not the silence before the first. Says
/// whose it is.
struct Noting<S> {
    service: S,
    client: ClientAddr,
    begun: Arc<AtomicBool>,
}

impl<S: hyper::service::Service<Request<Incoming>>> hyper::service::Service<Request<Incoming>>
    for Noting<S>
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, mut request: Request<Incoming>) -> S::Future {
        self.begun.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(self.client);
        self.service.call(request)
    }
}

impl Connections {
    pub(super) fn new(header_timeout: Duration) -> Self {
        // Which of the two a client speaks is agreed on before: to find out by its first bytes could take for ever.
        let mut http1 = Builder::new(TokioExecutor::new()).http1_only();
        http1.http1().timer(TokioTimer::new()).header_read_timeout(header_timeout);
        let mut http2 = Builder::new(TokioExecutor::new()).http2_only();
        http2.http2().timer(TokioTimer::new()).keep_alive_interval(header_timeout);
        Self { http1, http2, open: GracefulShutdown::new(), header_timeout }
    }

    fn serve<I, S, B>(
        &self,
        http: &Builder<TokioExecutor>,
        stream: I,
        client: SocketAddr,
        service: S,
    ) where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: hyper::service::Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
        S: Send + 'static,
        S::Future: Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let (builder, watcher): (_, Watcher) = (http.clone(), self.open.watcher());
        let (begun, limit) = (Arc::new(AtomicBool::new(false)), self.header_timeout);
        let client = ClientAddr(client);
        let service = Noting { service, client, begun: Arc::clone(&begun) };
        tokio::spawn(async move {
            let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
            let mut connection = pin!(watcher.watch(connection.into_owned()));
            let ended = tokio::select! {
                ended = &mut connection => ended,
                () = tokio::time::sleep(limit) => {
                    if !begun.load(Ordering::Relaxed) {
                        tracing::debug!("a client that has sent no request is let go");
                        return;
                    }
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(error, "a connection ended early");
            }
        });
    }

    /// Answers a CA on the port of plain HTTP; everybody else is sent to `https_port`, or told that there is nothing.
    pub(super) async fn answer_http(
        &self,
        http: TcpListener,
        config: &Config,
        https_port: Option<u16>,
    ) {
        let places = Arc::new(Semaphore::new(PLAIN));
        loop {
            // It is never closed.
            let place = Arc::new(Arc::clone(&places).acquire_owned().await.ok());
            let Ok((stream, client)) = http.accept().await else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let config = config.clone();
            let service = service_fn(move |request| {
                // Until the connection is over.
                let _place = &place;
                let config = config.clone();
                async move { Ok::<_, Infallible>(answer(&config, https_port, &request).await) }
            });
            self.serve(&self.http1, stream, client, service);
        }
    }

    pub(super) async fn end(self, limit: Duration) {
        if timeout(limit, self.open.shutdown()).await.is_err() {
            tracing::warn!(?limit, "requests that were not done in time are cut off");
        }
    }
}
