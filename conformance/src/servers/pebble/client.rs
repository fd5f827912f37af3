//! A TLS client that blocks, for tests.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

const LIMIT: Duration = Duration::from_secs(10);

/// The body of what `GET path` gives on the site `name` of a server, to a client that trusts the certificates in `roots`
/// (PEM) alone.
///
/// # Errors
/// When the server cannot be reached, is not trusted, or answers anything but 200.
pub fn https_get(server: SocketAddr, roots: &[u8], name: &str, path: &str) -> io::Result<String> {
    let mut stream = connect(server, roots, name)?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {name}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.contains(" 200 ") => Ok(body.to_owned()),
        _ => Err(io::Error::other(format!("GET {path} is answered by: {answer}"))),
    }
}

/// The certificate (DER) that a server shows for `name`, to a client that trusts the certificates in `roots` (PEM) alone.
///
/// # Errors
/// When the server cannot be reached, or shows none that is trusted for `name`.
pub fn https_certificate(server: SocketAddr, roots: &[u8], name: &str) -> io::Result<Vec<u8>> {
    let mut stream = connect(server, roots, name)?;
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    let chain = stream.conn.peer_certificates().unwrap_or_default();
    let leaf = chain.first().map(|leaf| leaf.to_vec());
    leaf.ok_or_else(|| io::Error::other("the server shows no certificate"))
}

/// A connection to the site `name` of a server, to say anything over, for a client that trusts the certificates in `roots`
/// (PEM) alone.
///
/// # Errors
/// When the server cannot be reached. That it is not trusted is said by the first read or write.
pub fn https_connect(
    server: SocketAddr,
    roots: &[u8],
    name: &str,
) -> io::Result<impl io::Read + io::Write + use<>> {
    connect(server, roots, name)
}

pub(super) fn connect(
    server: SocketAddr,
    roots: &[u8],
    name: &str,
) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let mut store = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(roots) {
        store.add(root.map_err(io::Error::other)?).map_err(io::Error::other)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(store)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
    let connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let stream = TcpStream::connect_timeout(&server, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    Ok(StreamOwned::new(connection, stream))
}
