//! axum over HTTPS: a router is all that `HttpsServer` wants. Redirects, challenges and names on demand are the server's.
//!
//! `cargo run -p certstore-acme --example axum -- localhost`, then `curl -k https://localhost:8443/`. With ports 443 and 80,
//! and a name that public CAs know, `certstore_acme::https(names, router)` does it all.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::OriginalUri;
use axum::routing::get;
use certstore_acme::{Config, HttpsOptions, HttpsServer, InternalIssuer, OnDemandConfig};
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
    let allow = OnDemandConfig::new().allow(["*.demand.localhost"])?;
    let issuer = InternalIssuer::new(Arc::clone(&storage));
    let config = Config::builder(storage).issuer(issuer).on_demand(allow).build();
    let mut options = HttpsOptions::default();
    // On port 80 it would answer HTTP-01 and send browsers to HTTPS.
    (options.https, options.http) = (address, None);
    let server = HttpsServer::bind(&config, options).await?;
    config.manage(&names).await?;
    let address = server.https_addr()?;
    let serving = async move {
        let _renewed = config.maintain();
        server.serve(router, std::future::pending()).await;
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
