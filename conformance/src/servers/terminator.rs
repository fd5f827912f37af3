//! TLS in front of a server that has none.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::tls::Authority;

/// Takes TLS off what goes to a server, with a certificate by an authority of its own. Ends when it is dropped.
#[derive(Debug)]
pub struct TlsTerminator {
    port: u16,
    ca_cert: PathBuf,
    task: JoinHandle<()>,
}

impl TlsTerminator {
    /// Listens on a free port of 127.0.0.1, with a certificate for `name`, before the server at `endpoint`, as
    /// `http://127.0.0.1:PORT`.
    ///
    /// # Errors
    /// When no port can be had, or the authority's file cannot be written.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn before(endpoint: &str, name: &str) -> io::Result<Self> {
        let authority = Authority::new()?;
        let (certificate, key) = authority.sign(&[name], None)?;
        let certificate =
            CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(io::Error::other)?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(io::Error::other)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                config.with_no_client_auth().with_single_cert(vec![certificate], key)
            })
            .map_err(io::Error::other)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let ca_cert = std::env::temp_dir()
            .join(format!("certstore-terminator-{}-{port}.pem", std::process::id()));
        std::fs::write(&ca_cert, authority.pem())?;
        let server = endpoint.strip_prefix("http://").unwrap_or(endpoint).to_owned();
        let task = tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), server));
        Ok(Self { port, ca_cert, task })
    }

    /// The endpoint: `https://localhost:PORT`, whatever name the certificate is for.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The authority's certificate, a PEM file.
    #[must_use]
    pub fn ca_cert(&self) -> &Path {
        &self.ca_cert
    }
}

impl Drop for TlsTerminator {
    fn drop(&mut self) {
        self.task.abort();
        drop(std::fs::remove_file(&self.ca_cert));
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, server: String) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, server) = (acceptor.clone(), server.clone());
        tokio::spawn(async move {
            // A client that does not trust the certificate goes away.
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let Ok(mut behind) = TcpStream::connect(server).await else { return };
            // What breaks is the client's to notice.
            drop(tokio::io::copy_bidirectional(&mut stream, &mut behind).await);
        });
    }
}
