//! A TLS server whose certificate certon keeps in a storage that a fleet shares.
//!
//! ```text
//! cargo run -p certstore-certon --example certon-fleet -- STORAGE DIRECTORY CA_FILE ADDRESS CHALLENGE_PORT DOMAIN...
//! ```
//! as in `file:///var/lib/certs https://localhost:14000/dir pebble.pem 127.0.0.1:5001 5002 a.example`. Start it on
//! several hosts with one storage: one of them orders, and answers the CA over HTTP; all serve the same certificate.

mod server;

use server::{Options, serve};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    serve(Options::from_words(std::env::args().skip(1))?).await
}
