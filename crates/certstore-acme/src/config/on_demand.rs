//! Certificates obtained when a handshake asks for them.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;

use rustls::ClientConfig;

use super::ask::Asker;
use crate::{Error, Result, subject};

type Asked = Pin<Box<dyn Future<Output = bool> + Send>>;
type Decision = Arc<dyn Fn(String) -> Asked + Send + Sync>;

/// Which names may have a certificate because a handshake asks for one: none, unless something here allows it. Whoever can
/// open a connection can ask for any name, and a CA counts.
///
/// What is set first of these decides alone, as in CertMagic: [`decide`](Self::decide), [`allow`](Self::allow),
/// [`ask`](Self::ask), [`maximum`](Self::maximum). A maximum bounds what the others allow, too.
///
/// ```
/// use certstore_acme::OnDemandConfig;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_acme::Error> {
/// let allow = OnDemandConfig::new().allow(["example.com", "*.customers.example.com"])?;
/// assert!(allow.allowed("shop.customers.example.com").await.is_ok());
/// assert!(allow.allowed("example.org").await.is_err());
/// assert!(OnDemandConfig::new().allowed("example.com").await.is_err());
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct OnDemandConfig {
    decision: Option<Decision>,
    names: Option<BTreeSet<String>>,
    ask: Option<Asker>,
    maximum: Option<NonZeroUsize>,
}

impl OnDemandConfig {
    /// One that allows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks a function: a look into a database, for instance. One that takes longer than ten seconds allows nothing.
    #[must_use]
    pub fn decide<F, A>(mut self, decision: F) -> Self
    where
        F: Fn(String) -> A + Send + Sync + 'static,
        A: Future<Output = bool> + Send + 'static,
    {
        self.decision = Some(Arc::new(move |name| Box::pin(decision(name))));
        self
    }

    /// Allows these names; one like `*.example.com` every name with one more part.
    ///
    /// # Errors
    /// [`Error::Storage`]: one can have no certificate.
    pub fn allow<T: AsRef<str>>(mut self, names: impl IntoIterator<Item = T>) -> Result<Self> {
        let checked: Result<Vec<String>, _> =
            names.into_iter().map(|name| subject(name.as_ref())).collect();
        self.names.get_or_insert_default().extend(checked?);
        Ok(self)
    }

    /// Asks another service: `GET URL?domain=NAME`, and the status 200 allows the name. Any other, a redirect among them, or
    /// no answer within ten seconds allows nothing. `https` is trusted as the platform does.
    ///
    /// # Errors
    /// [`Error::Storage`] of the kind `InvalidConfig`: it is no `http` or `https` URL, or the platform does not say what it
    /// trusts.
    pub fn ask(mut self, url: &str) -> Result<Self> {
        self.ask = Some(Asker::new(url, None)?);
        Ok(self)
    }

    /// As [`ask`](Self::ask), with what is trusted.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn ask_with(mut self, url: &str, tls: ClientConfig) -> Result<Self> {
        self.ask = Some(Asker::new(url, Some(tls))?);
        Ok(self)
    }

    /// Obtains at most so many certificates on demand while the process runs. Alone, it allows any name until then.
    #[must_use]
    pub fn maximum(mut self, maximum: NonZeroUsize) -> Self {
        self.maximum = Some(maximum);
        self
    }

    pub(super) fn limit(&self) -> Option<NonZeroUsize> {
        self.maximum
    }

    /// Whether a certificate for a name may be obtained, apart from the maximum.
    ///
    /// # Errors
    /// [`Error::Refused`]: nothing allows it.
    ///
    /// # Cancel safety
    /// Cancel safe, if the function is.
    pub async fn allowed(&self, name: &str) -> Result<()> {
        let listed = |names: &BTreeSet<String>| {
            let wildcard = name.split_once('.').map(|(_, rest)| format!("*.{rest}"));
            names.contains(name) || wildcard.is_some_and(|wildcard| names.contains(&wildcard))
        };
        let allowed = match (&self.decision, &self.names, &self.ask) {
            (Some(decision), _, _) => decision(name.to_owned()).await,
            (None, Some(names), _) => listed(names),
            (None, None, Some(ask)) => match ask.allows(name).await {
                Ok(allowed) => allowed,
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(name, host = ask.host(), %error, cause, "the service that decides about names gave no answer");
                    let (name, why) = (name.to_owned(), "the service that decides gave no answer");
                    return Err(Error::Refused { name, why });
                }
            },
            (None, None, None) => self.maximum.is_some(),
        };
        let why = "it is not among those that may be obtained on demand";
        if allowed { Ok(()) } else { Err(Error::Refused { name: name.to_owned(), why }) }
    }
}

impl fmt::Debug for OnDemandConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnDemandConfig")
            .field("decides", &self.decision.is_some())
            .field("names", &self.names)
            .field("ask", &self.ask.as_ref().map(Asker::host))
            .field("maximum", &self.maximum)
            .finish()
    }
}
