//! axum-server over a configuration of the manager: certificates that are renewed are served from then on.
//!
//! axum-server shakes hands by itself, so nothing is obtained on demand, and a CA that checks TLS-ALPN-01 is answered by the
//! node that has ordered; the `tokio_rustls` example shows how to ask before the handshake. With its feature
//! `tls-rustls-no-provider` no other cryptography comes in.
//!
//! `cargo run -p certstore-acme --example axum_server -- localhost`, then `curl -k https://localhost:8443/`.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::OriginalUri;
use axum::routing::get;
use axum_server::tls_rustls::RustlsConfig;
use certstore_acme::{Config, InternalIssuer, tls_config};
use certstore_core::Storage;

/// Where it listens, and what serves.
///
/// # Errors
/// The port cannot be had, or a name has no certificate.
pub(crate) async fn start(
    storage: Arc<dyn Storage>,
    names: Vec<String>,
    address: SocketAddr,
) -> Result<(SocketAddr, impl Future<Output = ()>), Box<dyn Error>> {
    let router = Router::new()
        .fallback(get(async |OriginalUri(uri): OriginalUri| format!("hello from {}", uri.path())));
    let issuer = InternalIssuer::new(Arc::clone(&storage));
    let config = Config::builder(storage).issuer(issuer).build();
    config.manage(&names).await?;
    let tls = tls_config(Arc::clone(config.cache()), None);
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let server = axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(Arc::new(tls)))?;
    let serving = async move {
        let _renewed = config.maintain();
        // It ends with the process.
        drop(server.serve(router.into_make_service()).await);
    };
    Ok((address, serving))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let names = std::env::args().skip(1).collect();
    let storage = certstore::default_storage().await?;
    let (_, serving) = start(storage, names, ([127, 0, 0, 1], 8443).into()).await?;
    serving.await;
    Ok(())
}
