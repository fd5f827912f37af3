//! A TLS server whose certificate certmagic keeps in a storage that a fleet shares.
//!
//! ```text
//! cargo run -p certstore-certmagic --example certmagic-fleet -- STORAGE DIRECTORY CA_FILE ADDRESS DOMAIN...
//! ```
//! as in `file:///var/lib/certs https://localhost:14000/dir pebble.pem 127.0.0.1:5001 a.example`. Start it on several
//! hosts with one storage: one of them orders, any of them answers the CA, all serve the same certificate.

mod server;

use server::{Options, serve};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    serve(Options::from_words(std::env::args().skip(1))?).await
}
