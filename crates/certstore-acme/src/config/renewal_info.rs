//! When CAs would have certificates renewed.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use certstore_core::one_line;

use super::Config;
use crate::{Certificate, Issuer, RenewalInfo, Result, subject};

/// Between two questions.
const SHORTEST: Duration = Duration::from_secs(60);

impl Config {
    /// Asks the issuers when the stored certificate of a name is to be renewed (RFC 9773), unless their last answer holds
    /// yet, and stores the answer beside it, for all nodes to keep to. [`maintain`](Self::maintain) does it by itself; whoever
    /// renews by [`obtain_cert`](Self::obtain_cert) calls it before. Gives when to call it again; `None`: no issuer
    /// says, or no certificate is stored that is valid.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::Error::Storage): the name can have no certificate, or the storage failed; else of an
    /// issuer. What is stored stands.
    ///
    /// # Cancel safety
    /// Dropped, the old answer or the new one is stored.
    pub async fn refresh_renewal_info(&self, name: &str) -> Result<Option<SystemTime>> {
        let subject = subject(name)?;
        let (mut again, mut failed) = (None, None);
        for issuer in self.0.issuers.iter().filter(|issuer| issuer.gives_renewal_info()) {
            match issuer.refresh_renewal_info(&subject).await {
                Ok(next) => again = again.into_iter().chain(next).min(),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(again), Err)
    }

    /// As [`refresh_renewal_info`](Self::refresh_renewal_info), where it is time to. What the issuers do not say changes
    /// nothing.
    pub(super) async fn ask_when_to_renew(&self, subject: &str) {
        let now = self.0.clock.wall();
        if !self.0.names.is_to_ask(subject, now) {
            return;
        }
        let error = match self.refresh_renewal_info(subject).await {
            Ok(again) => {
                // Whatever an issuer says: not without a pause.
                let again = again.map(|again| again.max(now + SHORTEST));
                return self.0.names.ask(subject, again);
            }
            Err(error) => error,
        };
        let retry = self.0.names.unanswered(subject, now);
        let cause = std::error::Error::source(&error).map(one_line);
        tracing::warn!(subject, %error, cause, ?retry, "it is not known when the CA would have the certificate renewed");
    }

    /// Keeps when the issuer of a certificate is asked when to renew it.
    pub(super) fn ask_later(&self, subject: &str, certificate: &Certificate, now: SystemTime) {
        let gives = |issuer: &&Arc<dyn Issuer>| {
            issuer.gives_renewal_info() && certificate.issuer() == Some(issuer.name())
        };
        if !self.0.issuers.iter().any(|issuer| gives(&issuer)) {
            return;
        }
        let known = self.0.names.has(subject, certificate.hash());
        let said = certificate.renewal_info().and_then(RenewalInfo::ask_again);
        match said {
            Some(again) if again > now => self.0.names.ask(subject, Some(again)),
            // When it is asked is known already.
            _ if known => {}
            // A new one is not renewed at once, whatever its CA says.
            _ => self.0.names.ask(subject, Some(now + SHORTEST)),
        }
    }
}

#[cfg(test)]
#[path = "renewal_info_tests.rs"]
mod tests;
