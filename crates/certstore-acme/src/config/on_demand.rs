//! Certificates obtained when a handshake asks for them.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;

use crate::{Error, Result, subject};

type Asked = Pin<Box<dyn Future<Output = bool> + Send>>;
type Decision = Arc<dyn Fn(String) -> Asked + Send + Sync>;

/// Which names may have a certificate because a handshake asks for one: none, unless something here allows it. Whoever can
/// open a connection can ask for any name, and a CA counts.
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
    maximum: Option<NonZeroUsize>,
}

impl OnDemandConfig {
    /// One that allows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks a function: a look into a database, a question to another service. With it an allow list only adds.
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

    /// Obtains at most so many certificates on demand while the process runs.
    #[must_use]
    pub fn maximum(mut self, maximum: NonZeroUsize) -> Self {
        self.maximum = Some(maximum);
        self
    }

    pub(super) fn limit(&self) -> Option<NonZeroUsize> {
        self.maximum
    }

    /// Whether a certificate for a name may be obtained: the allow list is asked first, then the function.
    ///
    /// # Errors
    /// [`Error::Refused`]: nothing allows it.
    ///
    /// # Cancel safety
    /// As safe as the function.
    pub async fn allowed(&self, name: &str) -> Result<()> {
        let listed = |names: &BTreeSet<String>| {
            let wildcard = name.split_once('.').map(|(_, rest)| format!("*.{rest}"));
            names.contains(name) || wildcard.is_some_and(|wildcard| names.contains(&wildcard))
        };
        if self.names.as_ref().is_some_and(listed) {
            return Ok(());
        }
        match &self.decision {
            Some(decision) if decision(name.to_owned()).await => Ok(()),
            _ => Err(Error::Refused {
                name: name.to_owned(),
                why: "it is not among those that may be obtained on demand",
            }),
        }
    }
}

impl fmt::Debug for OnDemandConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnDemandConfig")
            .field("decides", &self.decision.is_some())
            .field("names", &self.names)
            .field("maximum", &self.maximum)
            .finish()
    }
}
