//! The server of the example.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use certmagic::events::EventKind;
use certmagic::tls_integration::CertmagicAcceptor;
use certmagic::{AcmeIssuer, Cache, Config, ConfigOptions};
use certstore_certmagic::CertstoreStorage;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

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
        let mut next = || {
            words.next().ok_or("usage: certmagic-fleet STORAGE DIRECTORY CA_FILE ADDRESS DOMAIN...")
        };
        let (storage, directory, ca_file) = (next()?, next()?, next()?.into());
        let address = next()?.parse()?;
        Ok(Self { storage, directory, ca_file, address, domains: words.collect() })
    }
}

/// Serves until the process ends. Each line that it prints tells what came to pass.
pub(crate) async fn serve(options: Options) -> Result<(), Error> {
    let listener = TcpListener::bind(options.address).await?;
    say(&format!("listening on {}", listener.local_addr()?));
    let storage = CertstoreStorage::new(certstore::open_url(&options.storage).await?);
    let config = manager(&options, storage)?;
    // It answers challenges as well, also those of another process: they stand in the storage.
    let acceptor = Arc::new(config.certmagic_acceptor()?);
    tokio::spawn(accept(listener, acceptor));
    let cancel = CancellationToken::new();
    while let Err(error) = config.manage_sync(&cancel, &options.domains).await {
        say(&format!("failed: {error}"));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    say("serving");
    std::future::pending().await
}

/// certmagic, with the CA of the command line.
fn manager(options: &Options, storage: CertstoreStorage) -> Result<Arc<Config>, Error> {
    let root = CertificateDer::from_pem_file(&options.ca_file)?;
    let issuer = AcmeIssuer {
        ca: options.directory.clone(),
        test_ca: None,
        trusted_roots: Some(vec![root.to_vec()]),
        tos_agreed: true,
        disable_http_challenge: true,
        ..AcmeIssuer::default()
    };
    let options = ConfigOptions {
        issuers: vec![Arc::new(issuer)],
        storage: Some(Arc::new(storage)),
        on_event: Some(Arc::new(|_, event| {
            if let EventKind::CertObtained(obtained) = event {
                say(&format!("ordered {}", obtained.identifier));
            }
            Box::pin(async { Ok(()) })
        })),
        ..ConfigOptions::default()
    };
    Ok(Config::new(Cache::new(certmagic::CacheOptions::default())?, options)?)
}

async fn accept(listener: TcpListener, acceptor: Arc<CertmagicAcceptor>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, acceptor.clone()));
    }
}

async fn answer(stream: TcpStream, acceptor: Arc<CertmagicAcceptor>) -> std::io::Result<()> {
    let mut stream = acceptor.accept(stream).await?.await?;
    if stream.get_ref().1.alpn_protocol() != Some(b"acme-tls/1") {
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nHello!\n").await?;
    }
    stream.shutdown().await
}

fn say(line: &str) {
    // Nobody may be reading.
    let _ = writeln!(std::io::stdout(), "{line}");
}
