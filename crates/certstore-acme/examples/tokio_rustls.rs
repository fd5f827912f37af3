//! tokio-rustls with an accept loop of one's own: what `TlsListener` does, step by step, for servers that shake hands
//! themselves.
//!
//! `cargo run -p certstore-acme --example tokio_rustls -- localhost`, then `curl -k https://localhost:8443/`.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use certstore_acme::{ACME_TLS_ALPN, Config, Hello, InternalIssuer, OnDemandConfig, tls_config};
use certstore_core::Storage;
use rustls::ServerConfig;
use rustls::server::Acceptor;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;

/// What a client gets that says nothing.
const LIMIT: Duration = Duration::from_secs(10);

/// Where it listens, and what serves.
///
/// # Errors
/// The port cannot be had, or a name has no certificate.
pub(crate) async fn start(
    storage: Arc<dyn Storage>,
    names: Vec<String>,
    address: SocketAddr,
) -> Result<(SocketAddr, impl Future<Output = ()>), Box<dyn Error>> {
    let allow = OnDemandConfig::new().allow(["*.demand.localhost"])?;
    let issuer = InternalIssuer::new(Arc::clone(&storage));
    let config = Config::builder(storage).issuer(issuer).on_demand(allow).build();
    config.manage(&names).await?;
    let mut tls = tls_config(Arc::clone(config.cache()), None);
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let (tls, listener) = (Arc::new(tls), TcpListener::bind(address).await?);
    let address = listener.local_addr()?;
    let serving = async move {
        let _renewed = config.maintain();
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let (config, tls) = (config.clone(), Arc::clone(&tls));
            tokio::spawn(async move {
                // A client that goes away is no fault.
                drop(connection(stream, config, tls).await);
            });
        }
    };
    Ok((address, serving))
}

async fn connection(stream: TcpStream, config: Config, tls: Arc<ServerConfig>) -> io::Result<()> {
    let hello = timeout(LIMIT, LazyConfigAcceptor::new(Acceptor::default(), stream)).await??;
    // A CA that looks at a challenge, of any node, gets its answer and nothing else.
    if let Some(answer) = config.alpn_challenge_config(&hello.client_hello()).await {
        let stream = timeout(LIMIT, hello.into_stream(answer)).await??;
        debug_assert_eq!(stream.get_ref().1.alpn_protocol(), Some(ACME_TLS_ALPN));
        return Ok(());
    }
    // From memory, from the storage, or obtained on demand; the resolver of the configuration finds it.
    drop(config.certificate_for(&Hello::of(&hello.client_hello())).await);
    let stream = timeout(LIMIT, hello.into_stream(tls)).await??;
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let path = line.split(' ').nth(1).unwrap_or("/").to_owned();
    while line.trim_end() != "" {
        line.clear();
        stream.read_line(&mut line).await?;
    }
    let body = format!("hello from {path}");
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes()).await?;
    stream.shutdown().await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let names = std::env::args().skip(1).collect();
    let storage = certstore::default_storage().await?;
    let (_, serving) = start(storage, names, ([127, 0, 0, 1], 8443).into()).await?;
    serving.await;
    Ok(())
}
