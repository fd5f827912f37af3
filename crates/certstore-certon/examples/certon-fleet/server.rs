//! The server of the example.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use certon::manager::EVENT_CERT_OBTAINED;
use certon::{AcmeIssuer, CertManager, Http01Solver};
use certstore_certon::CertstoreStorage;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// What the command line says.
pub(crate) struct Options {
    storage: String,
    directory: String,
    ca_file: PathBuf,
    address: SocketAddr,
    challenge_port: u16,
    domains: Vec<String>,
}

impl Options {
    /// STORAGE DIRECTORY CA_FILE ADDRESS CHALLENGE_PORT DOMAIN...
    pub(crate) fn from_words(words: impl IntoIterator<Item = String>) -> Result<Self, Error> {
        let mut words = words.into_iter();
        let usage =
            "usage: certon-fleet STORAGE DIRECTORY CA_FILE ADDRESS CHALLENGE_PORT DOMAIN...";
        let mut next = || words.next().ok_or(usage);
        let (storage, directory, ca_file) = (next()?, next()?, next()?.into());
        let (address, challenge_port) = (next()?.parse()?, next()?.parse()?);
        let domains = words.collect();
        Ok(Self { storage, directory, ca_file, address, challenge_port, domains })
    }
}

/// Serves until the process ends. Each line that it prints tells what came to pass.
pub(crate) async fn serve(options: Options) -> Result<(), Error> {
    let listener = TcpListener::bind(options.address).await?;
    say(&format!("listening on {}", listener.local_addr()?));
    let storage = CertstoreStorage::new(certstore::open_url(&options.storage).await?);
    let manager = manager(&options, Arc::new(storage))?;
    while let Err(error) = manager.manage(&options.domains).await {
        say(&format!("failed: {error}"));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    say("serving");
    let acceptor = TlsAcceptor::from(Arc::new(manager.server_config()));
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(answer(stream, acceptor.clone()));
    }
}

/// certon, with the CA of the command line.
fn manager(options: &Options, storage: Arc<CertstoreStorage>) -> Result<CertManager, Error> {
    let root = CertificateDer::from_pem_file(&options.ca_file)?;
    let issuer = AcmeIssuer::builder()
        .ca(&options.directory)
        .test_ca(&options.directory)
        .trusted_roots(root.to_vec())
        .agreed(true)
        .storage(storage.clone())
        .disable_tlsalpn_challenge(true)
        .http01_solver(Arc::new(Http01Solver::new(options.challenge_port)))
        .build();
    let manager = CertManager::builder().storage(storage).issuers(vec![Arc::new(issuer)]).on_event(
        Arc::new(|event, of| {
            if event == EVENT_CERT_OBTAINED {
                say(&format!("ordered {}", of["identifier"].as_str().unwrap_or_default()));
            }
            Ok(())
        }),
    );
    Ok(manager.try_build()?)
}

async fn answer(stream: TcpStream, acceptor: TlsAcceptor) -> std::io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nHello!\n").await?;
    stream.shutdown().await
}

fn say(line: &str) {
    // Nobody may be reading.
    let _ = writeln!(std::io::stdout(), "{line}");
}
