//! Certificates that somebody else keeps.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::Config;
use super::demand::serves;
use crate::{Certificate, Hello, Result, subject};

/// How long a handshake waits for each source.
const PATIENCE: Duration = Duration::from_secs(10);

/// Gives handshakes certificates from elsewhere: another program that obtains and renews them, a secret store, a hardware
/// module. What it gives is served to the client that asked, and neither stored, cached nor renewed here: it is asked for
/// each handshake, and keeps what is dear to get. Its `Debug` goes to the log: it shows no secret.
///
/// It is asked for what has no certificate in memory, and before any is obtained
/// [on demand](super::ConfigBuilder::on_demand).
///
/// ```
/// use async_trait::async_trait;
/// use certstore_acme::{Certificate, CertificateSource, Hello, Result};
///
/// /// What another program keeps in a folder, as `NAME.crt` and `NAME.key`.
/// #[derive(Debug)]
/// struct Folder(std::path::PathBuf);
///
/// #[async_trait]
/// impl CertificateSource for Folder {
///     async fn certificate(&self, hello: &Hello<'_>) -> Result<Option<Certificate>> {
///         let Some(name) = hello.name.and_then(|name| certstore_acme::subject(name).ok()) else {
///             return Ok(None);
///         };
///         let read = |ending: &str| std::fs::read_to_string(self.0.join(format!("{name}.{ending}")));
///         match (read("crt"), read("key")) {
///             (Ok(chain), Ok(key)) => Ok(Some(Certificate::from_pem(&chain, &key)?)),
///             _ => Ok(None),
///         }
///     }
/// }
/// ```
#[async_trait]
pub trait CertificateSource: fmt::Debug + Send + Sync {
    /// The certificate for such a client; `None`: it has none, and the next is asked.
    ///
    /// # Errors
    /// Whatever keeps it from knowing: it is in the log, and the next is asked.
    ///
    /// # Cancel safety
    /// It is dropped after 10 seconds.
    async fn certificate(&self, hello: &Hello<'_>) -> Result<Option<Certificate>>;
}

impl Config {
    /// What the first source has that has any.
    pub(super) async fn ask_sources(&self, hello: &Hello<'_>) -> Option<Certificate> {
        let name = hello.name.and_then(|name| subject(name).ok());
        for source in &self.0.sources {
            let asked = tokio::select! {
                asked = source.certificate(hello) => asked,
                () = self.0.clock.sleep(PATIENCE) => {
                    tracing::warn!(?name, ?source, "a certificate source takes too long");
                    continue;
                }
            };
            match asked {
                Ok(Some(found)) if found.has_expired(self.0.clock.wall()) => {
                    tracing::warn!(?name, ?source, "a certificate source has given an expired one");
                }
                Ok(Some(found)) if name.as_ref().is_none_or(|name| serves(&found, name)) => {
                    return Some(found);
                }
                Ok(Some(found)) => {
                    tracing::warn!(?name, ?source, names = ?found.names(), "a certificate source has given one for other names");
                }
                Ok(None) => {}
                Err(error) => {
                    let cause = certstore_core::one_line(&error);
                    tracing::warn!(?name, ?source, cause, "a certificate source has failed");
                }
            }
        }
        None
    }
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
