//! What the manager's certificates cost a handshake, beside rustls with a fixed one, and whether sessions go on elsewhere.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use certstore::MemoryStorage;
use certstore_acme::{
    Cache, Certificate, Config, TicketKeys, TicketOptions, TlsListener, tls_config,
};
use rcgen::{CertificateParams, KeyPair};
use rustls::client::Resumption;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::files::interleaved;
use crate::stats::{Ratio, ratio};
use crate::{Result, runtime, verdict};

const NAMES: usize = 10_000;
/// How many handshakes are timed together.
const BATCH: u32 = 5;
const PAIRS: usize = 1_000;
const CLIENTS: usize = 500;
/// Of the handshakes a second of rustls with a fixed certificate.
const TARGET: f64 = 0.95;
const NAME: &str = "www.customer-4711.example";

/// A server of the manager's, and one with a fixed certificate that is alike in all else.
struct Servers {
    config: Config,
    ours: Arc<ServerConfig>,
    fixed: Arc<ServerConfig>,
    root: CertificateDer<'static>,
}

impl Servers {
    fn new() -> Result<Self> {
        let cache = Arc::new(Cache::new());
        let key = KeyPair::generate()?;
        for number in 0..NAMES {
            let name = format!("www.customer-{number}.example");
            let made = CertificateParams::new([name])?.self_signed(&key)?;
            cache.insert(Certificate::from_pem(&made.pem(), &key.serialize_pem())?);
        }
        let config =
            Config::builder(Arc::new(MemoryStorage::new())).cache(Arc::clone(&cache)).build();
        let mut ours = tls_config(Arc::clone(&cache), None);
        ours.alpn_protocols.clear();
        let found = config.get_certificate(NAME).ok_or("the name is not found")?;
        let (root, mut fixed) = (found.certified_key().cert[0].clone(), ours.clone());
        let key = CertifiedKey::clone(found.certified_key());
        fixed.cert_resolver = Arc::new(SingleCertAndKey::from(key));
        Ok(Self { config, ours: Arc::new(ours), fixed: Arc::new(fixed), root })
    }

    fn client(&self, version: &'static SupportedProtocolVersion) -> Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone())?;
        Ok(ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[version])?
            .with_root_certificates(roots)
            .with_no_client_auth())
    }

    /// One whose handshakes are all whole ones.
    fn stranger(&self) -> Result<Arc<ClientConfig>> {
        let mut client = self.client(&TLS13)?;
        client.resumption = Resumption::disabled();
        Ok(Arc::new(client))
    }
}

pub(crate) fn handshakes(_folder: &Path) -> Result<bool> {
    let servers = Servers::new()?;
    let client = servers.stranger()?;
    let batch = |server: &Arc<ServerConfig>| -> Result<Duration> {
        let mut all = Duration::ZERO;
        for _ in 0..BATCH {
            all += shake(server, &client)?.0;
        }
        Ok(all)
    };
    let pairs = interleaved(PAIRS, || batch(&servers.ours), || batch(&servers.fixed))?;
    let memory = say("handshakes", "the server's side, in memory", ratio(&pairs), &pairs);
    let tcp = over_tcp(&servers)?;
    Ok(memory && tcp)
}

/// The ratio of times is that of handshakes a second upside down.
fn say(name: &str, what: &str, times: Ratio, pairs: &[(Duration, Duration)]) -> bool {
    let rate = 1.0 / times.value;
    let each = |of: fn(&(Duration, Duration)) -> Duration| {
        crate::stats::median(&pairs.iter().map(of).collect::<Vec<_>>()) / BATCH
    };
    verdict(
        name,
        rate >= TARGET,
        &format!(
            "{what}: {rate:.3} of rustls' handshakes a second with a fixed certificate (95 %: {:.3} to {:.3}; target {TARGET}); {:?} and {:?} a handshake; TLS 1.3, {NAMES} names; {PAIRS} pairs of {BATCH}",
            1.0 / times.high,
            1.0 / times.low,
            each(|pair| pair.0),
            each(|pair| pair.1),
        ),
    )
}

/// A handshake in memory: what the server took for it, and of which kind it was.
fn shake(
    server: &Arc<ServerConfig>,
    client: &Arc<ClientConfig>,
) -> Result<(Duration, HandshakeKind)> {
    let mut client = ClientConnection::new(Arc::clone(client), ServerName::try_from(NAME)?)?;
    let mut took = Duration::ZERO;
    let start = Instant::now();
    let mut server = ServerConnection::new(Arc::clone(server))?;
    took += start.elapsed();
    let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
    while client.wants_write() || server.wants_write() {
        to_server.clear();
        client.write_tls(&mut to_server)?;
        to_client.clear();
        let start = Instant::now();
        server.read_tls(&mut &to_server[..])?;
        server.process_new_packets()?;
        server.write_tls(&mut to_client)?;
        took += start.elapsed();
        client.read_tls(&mut &to_client[..])?;
        client.process_new_packets()?;
    }
    let kind = client.handshake_kind().ok_or("the handshake did not end")?;
    Ok((took, kind))
}

/// Whole handshakes on loopback connections, by the listener and by tokio-rustls' acceptor.
fn over_tcp(servers: &Servers) -> Result<bool> {
    let runtime = runtime()?;
    let connector = TlsConnector::from(servers.stranger()?);
    let bind = || runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    let (ours, fixed) = (bind()?, bind()?);
    let (ours_at, fixed_at) = (ours.local_addr()?, fixed.local_addr()?);
    let mut ours = {
        let _inside = runtime.enter();
        TlsListener::new(ours, &servers.config, ServerConfig::clone(&servers.ours))
    };
    runtime.spawn(async move {
        loop {
            drop(ours.accept().await);
        }
    });
    let acceptor = TlsAcceptor::from(Arc::clone(&servers.fixed));
    runtime.spawn(async move {
        while let Ok((stream, _)) = fixed.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // As the listener does.
                let _ = stream.set_nodelay(true);
                drop(acceptor.accept(stream).await);
            });
        }
    });
    let batch = |address| -> Result<Duration> {
        let start = Instant::now();
        for _ in 0..BATCH {
            runtime.block_on(async {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                connector.connect(ServerName::try_from(NAME)?, stream).await?;
                Ok::<_, Box<dyn std::error::Error>>(())
            })?;
        }
        Ok(start.elapsed())
    };
    let pairs = interleaved(PAIRS, || batch(ours_at), || batch(fixed_at))?;
    Ok(say("handshakes", "whole, over TCP", ratio(&pairs), &pairs))
}

/// Two nodes share ticket keys by their storage: whoever was at one is known at the other.
pub(crate) fn resumption(_folder: &Path) -> Result<bool> {
    let (servers, runtime) = (Servers::new()?, runtime()?);
    let storage = Arc::new(MemoryStorage::new());
    let node = || -> Result<Arc<ServerConfig>> {
        let keys = TicketKeys::new(storage.clone(), TicketOptions::default())?;
        runtime.block_on(keys.refresh())?;
        Ok(Arc::new(tls_config(Arc::clone(servers.config.cache()), Some(keys))))
    };
    let (one, other) = (node()?, node()?);
    let mut all = true;
    for (name, version) in [("TLS 1.2", &TLS12), ("TLS 1.3", &TLS13)] {
        let (mut resumed, mut whole, mut short) = (0, Vec::new(), Vec::new());
        for _ in 0..CLIENTS {
            let client = Arc::new(servers.client(version)?);
            whole.push(shake(&one, &client)?.0);
            let (took, kind) = shake(&other, &client)?;
            short.push(took);
            resumed += usize::from(kind == HandshakeKind::Resumed);
        }
        all &= verdict(
            "resumption",
            resumed == CLIENTS,
            &format!(
                "{name}: {resumed} of {CLIENTS} clients resume at another node (target all); the server's side takes {:?}, a whole handshake {:?}, p50",
                crate::stats::median(&short),
                crate::stats::median(&whole),
            ),
        );
    }
    Ok(all)
}
