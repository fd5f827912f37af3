//! Obtains a certificate with HTTP-01 and keeps it in a storage that a fleet shares.
//!
//! ```text
//! cargo run -p certstore-instant-acme --example obtain -- STORAGE DIRECTORY CA_FILE ADDRESS NAME...
//! ```
//! as in `file:///var/lib/certs https://localhost:14000/dir pebble.pem 127.0.0.1:5002 a.example`. On ADDRESS it answers
//! the CA. Start it on several hosts with one storage: one of them orders, all end with the same certificate.

mod node;

use node::{Error, Options, run};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let options = Options::from_words(std::env::args().skip(1))?;
    run(&options, options.ca()).await
}
