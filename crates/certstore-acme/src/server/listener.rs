//! Accepting TLS.

use std::collections::HashMap;
use std::future::{Future, pending};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::places::{Place, Places};
use crate::cache::offers_acme_tls;
use crate::config::Keeper;
use crate::{ACME_TLS_ALPN, Certificate, Config, Hello, Resolver, tls_config};

/// What a client gets that connects and says nothing.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// After so long without a word, the system asks whether a client is there.
const SILENCE: Duration = Duration::from_secs(60);
/// The pause after a failed accept, as when file descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A connection whose handshake is done.
pub type TlsAccepted = (TlsStream<TcpStream>, SocketAddr);

/// Accepts TLS connections with the certificates of a [`Config`], obtained on demand where it does that, and answers CAs that
/// check TLS-ALPN-01, whichever node has ordered. Slow handshakes keep nobody else waiting, and no client may draw one out
/// for longer than 10 seconds.
#[derive(Debug)]
pub struct TlsListener {
    listener: TcpListener,
    tls: Arc<Configurations>,
    handshakes: JoinSet<Option<TlsAccepted>>,
    pub(super) places: Places,
}

impl TlsListener {
    /// Listens on `address` with certificates for `names`: they are obtained first, and [`maintain`](Config::maintain)
    /// renews them. A CA that checks TLS-ALPN-01 meanwhile is answered, other clients wait. HTTP-01 cannot be answered by
    /// it: leave it to [`HttpsServer`](super::HttpsServer).
    ///
    /// # Errors
    /// As [`Config::manage`]; [`Error::Listen`](crate::Error::Listen): the address cannot be had.
    ///
    /// # Cancel safety
    /// As [`Config::manage`].
    pub async fn listen<T: AsRef<str>>(
        config: &Config,
        names: impl IntoIterator<Item = T>,
        address: SocketAddr,
    ) -> crate::Result<Self> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|source| crate::Error::Listen { address, source })?;
        let mut tls = Self::new(listener, config, tls_config(Arc::clone(config.cache()), None));
        let mut managed = pin!(config.manage(names));
        loop {
            tokio::select! {
                done = &mut managed => return done.map(|()| tls),
                accepted = accept(&tls.listener, &tls.places) => tls.take(accepted).await,
            }
        }
    }

    /// Accepts from a listener with a configuration of rustls, as [`tls_config`] gives one for the cache of `config`.
    #[must_use]
    pub fn new(listener: TcpListener, config: &Config, tls: ServerConfig) -> Self {
        let tls = Arc::new(Configurations::new(config.clone(), tls));
        Self { listener, tls, handshakes: JoinSet::new(), places: Places::default() }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// Of the operating system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The next connection whose handshake is done. What goes wrong with a connection is in the log, at debug level.
    ///
    /// # Cancel safety
    /// Cancel safe: handshakes go on with the next call.
    pub async fn accept(&mut self) -> TlsAccepted {
        loop {
            tokio::select! {
                accepted = accept(&self.listener, &self.places) => self.take(accepted).await,
                done = next(&mut self.handshakes) => if let Some(connection) = done {
                    return connection;
                },
            }
        }
    }

    async fn take(&mut self, accepted: io::Result<(TcpStream, SocketAddr, Place)>) {
        match accepted {
            Ok((stream, peer, place)) => self.begin(stream, peer, place),
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }

    fn begin(&mut self, stream: TcpStream, peer: SocketAddr, place: Place) {
        let tls = Arc::clone(&self.tls);
        self.handshakes.spawn(async move {
            match handshake(stream, tls, place).await {
                Ok(Some(stream)) => return Some((stream, peer)),
                // It was a CA that looked at a challenge.
                Ok(None) => {}
                Err(error) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
            }
            None
        });
    }
}

/// A part of a handshake, which the client may not draw out.
async fn timely<T>(part: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(HANDSHAKE_LIMIT, part).await.map_err(|_| io::ErrorKind::TimedOut)?
}

/// What rustls serves by. It tells its resolver no addresses, and clients that connect to one name nothing.
#[derive(Debug)]
struct Configurations {
    named: Arc<ServerConfig>,
    config: Config,
    /// One for each address of this machine that was connected to.
    by_address: Mutex<HashMap<IpAddr, Arc<ServerConfig>>>,
}

impl Configurations {
    fn new(config: Config, tls: ServerConfig) -> Self {
        Self { named: Arc::new(tls), config, by_address: Mutex::default() }
    }

    /// For a certificate that was waited for: others may have driven it out of a full cache again.
    fn with(&self, certificate: &Certificate) -> Arc<ServerConfig> {
        let mut tls = ServerConfig::clone(&self.named);
        let key = CertifiedKey::clone(certificate.certified_key());
        tls.cert_resolver = Arc::new(SingleCertAndKey::from(key));
        Arc::new(tls)
    }

    fn at(&self, address: IpAddr) -> Arc<ServerConfig> {
        let mut known = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || {
            let mut tls = ServerConfig::clone(&self.named);
            tls.cert_resolver =
                Arc::new(Resolver::new(Arc::clone(self.config.cache())).at(address));
            Arc::new(tls)
        };
        Arc::clone(known.entry(address).or_insert_with(made))
    }
}

/// The next connection, once there is a place for its handshake.
async fn accept(
    listener: &TcpListener,
    places: &Places,
) -> io::Result<(TcpStream, SocketAddr, Place)> {
    let place = places.enter().await;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

/// The next handshake that is over; never while there is none.
async fn next(handshakes: &mut JoinSet<Option<TlsAccepted>>) -> Option<TlsAccepted> {
    match handshakes.join_next().await {
        Some(ended) => ended.ok().flatten(),
        None => pending().await,
    }
}

async fn handshake(
    stream: TcpStream,
    tls: Arc<Configurations>,
    mut place: Place,
) -> io::Result<Option<TlsStream<TcpStream>>> {
    // Small records of a handshake are not to wait for one another.
    stream.set_nodelay(true)?;
    // A client that has vanished is noticed, also by what an upgraded connection has become.
    SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(SILENCE))?;
    let address = stream.local_addr()?.ip().to_canonical();
    let acceptor = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream);
    let start = timely(acceptor).await?;
    let hello = start.client_hello();
    let answer = if offers_acme_tls(&hello) {
        place.wait_for(tls.config.alpn_challenge_config(&hello)).await?.0
    } else {
        let asked = Hello::of(&hello).at(address);
        // It may be obtained or loaded for this handshake.
        let (found, waited) = place.wait_for(tls.config.found_for(&asked)).await?;
        let found = found.filter(|(_, keeper)| waited || *keeper == Keeper::Source);
        found.map(|(found, _)| tls.with(&found))
    };
    let tls = answer.unwrap_or_else(|| match hello.server_name() {
        Some(_) => Arc::clone(&tls.named),
        None => tls.at(address),
    });
    let stream = timely(start.into_stream(tls)).await?;
    let challenge = stream.get_ref().1.alpn_protocol() == Some(ACME_TLS_ALPN);
    Ok((!challenge).then_some(stream))
}
