//! The server of the example.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use certstore_rustls_acme::CertstoreCache;
use futures_util::StreamExt as _;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::Acceptor;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_acme::{AcmeConfig, is_tls_alpn_challenge};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::LazyConfigAcceptor;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// What the command line says.
pub(crate) struct Options {
    storage: String,
    directory: String,
    ca_file: PathBuf,
    address: SocketAddr,
    domains: Vec<String>,
}

impl Options {
    /// STORAGE DIRECTORY CA_FILE ADDRESS DOMAIN...
    pub(crate) fn from_words(words: impl IntoIterator<Item = String>) -> Result<Self, Error> {
        let mut words = words.into_iter();
        let mut next =
            || words.next().ok_or("usage: fleet STORAGE DIRECTORY CA_FILE ADDRESS DOMAIN...");
        let (storage, directory, ca_file) = (next()?, next()?, next()?.into());
        let address = next()?.parse()?;
        Ok(Self { storage, directory, ca_file, address, domains: words.collect() })
    }
}

/// Serves until the process ends. Each line that it prints tells what came to pass.
pub(crate) async fn serve(options: Options) -> Result<(), Error> {
    let listener = TcpListener::bind(options.address).await?;
    say(&format!("listening on {}", listener.local_addr()?));
    let storage = open(&options.storage).await;
    let mut state = AcmeConfig::new_with_client_config(&options.domains, client(&options.ca_file)?)
        .directory(&options.directory)
        .cache(CertstoreCache::new(storage))
        .state();
    let (challenge, usual) = (state.challenge_rustls_config(), state.default_rustls_config());
    tokio::spawn(async move {
        while let Some(event) = state.next().await {
            match event {
                Ok(event) => say(&format!("{event:?}")),
                Err(error) => say(&format!("failed: {error}")),
            }
        }
    });
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(answer(stream, challenge.clone(), usual.clone()));
    }
}

/// A server that starts while its storage is down waits for it.
async fn open(url: &str) -> Arc<dyn certstore::Storage> {
    loop {
        match certstore::open_url(url).await {
            Ok(storage) => return storage,
            Err(error) => say(&format!("no storage: {error}")),
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn answer(
    stream: TcpStream,
    challenge: Arc<ServerConfig>,
    usual: Arc<ServerConfig>,
) -> std::io::Result<()> {
    let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    if is_tls_alpn_challenge(&start.client_hello()) {
        return start.into_stream(challenge).await?.shutdown().await;
    }
    let mut stream = start.into_stream(usual).await?;
    stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nHello!\n").await?;
    stream.shutdown().await
}

/// How rustls-acme reaches the CA.
fn client(ca_file: &std::path::Path) -> Result<Arc<ClientConfig>, Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca_file)?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn say(line: &str) {
    // Nobody may be reading.
    let _ = writeln!(std::io::stdout(), "{line}");
}
