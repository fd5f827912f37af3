//! Serving HTTPS.

mod challenges;
mod https;
mod listener;
mod places;
mod redirect;

pub use challenges::ChallengeServer;
pub use https::{ClientAddr, HttpsOptions, HttpsServer};
pub use listener::{TlsAccepted, TlsListener};

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
