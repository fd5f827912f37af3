//! hyper alone, over certificates of the manager: obtained on demand, with answers to a CA in the handshake.
//!
//! `cargo run -p certstore-acme --example hyper -- localhost`, then `curl -k https://localhost:8443/`.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use certstore_acme::{Config, InternalIssuer, OnDemandConfig, TlsListener, tls_config};
use certstore_core::Storage;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;

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
    let listener = TcpListener::bind(address).await?;
    let tls = tls_config(Arc::clone(config.cache()), None);
    let mut listener = TlsListener::new(listener, &config, tls);
    let address = listener.local_addr()?;
    let serving = async move {
        let _renewed = config.maintain();
        let http = Builder::new(TokioExecutor::new());
        loop {
            // Handshakes, with what they wait for, are the listener's.
            let (stream, _) = listener.accept().await;
            let http = http.clone();
            tokio::spawn(async move {
                let connection = http.serve_connection(TokioIo::new(stream), service_fn(hello));
                // A client that goes away is no fault.
                drop(connection.await);
            });
        }
    };
    Ok((address, serving))
}

async fn hello(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(format!("hello from {}", request.uri().path())))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let names = std::env::args().skip(1).collect();
    let storage = certstore::default_storage().await?;
    let (_, serving) = start(storage, names, ([127, 0, 0, 1], 8443).into()).await?;
    serving.await;
    Ok(())
}
