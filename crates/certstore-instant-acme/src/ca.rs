//! A certificate authority, and how it is reached.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use certstore_core::{Clock, StorageKeys, SystemClock};
use instant_acme::{Account, AccountBuilder};

use crate::{Error, Result};

/// How long one step of the protocol may take, with its few requests: instant-acme itself waits for ever.
const STEP_LIMIT: Duration = Duration::from_secs(60);

type Client = dyn Fn() -> Result<AccountBuilder, instant_acme::Error> + Send + Sync;

/// An ACME CA: the URL of its directory, and the HTTP client that reaches it.
///
/// ```
/// use certstore_instant_acme::Ca;
/// use instant_acme::LetsEncrypt;
/// let ca = Ca::new(LetsEncrypt::Production.url());
/// assert_eq!(ca.issuer(), "acme-v02.api.letsencrypt.org-directory");
/// ```
#[derive(Clone)]
pub struct Ca {
    directory_url: String,
    issuer: String,
    client: Arc<Client>,
    clock: Arc<dyn Clock>,
}

impl Ca {
    /// The CA with this directory, reached by instant-acme's own client, which trusts what the platform trusts.
    #[must_use]
    pub fn new(directory_url: impl Into<String>) -> Self {
        let directory_url = directory_url.into();
        Self {
            issuer: StorageKeys::issuer_key(&directory_url),
            directory_url,
            client: Arc::new(Account::builder),
            clock: Arc::new(SystemClock),
        }
    }

    /// Reaches it through another client, as `|| Account::builder_with_root("ca.pem")` gives one; it is called for each
    /// use of an account.
    #[must_use]
    pub fn with_client(
        mut self,
        client: impl Fn() -> Result<AccountBuilder, instant_acme::Error> + Send + Sync + 'static,
    ) -> Self {
        self.client = Arc::new(client);
        self
    }

    /// Another clock, for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The URL of its directory.
    #[must_use]
    pub fn directory_url(&self) -> &str {
        &self.directory_url
    }

    /// The name that its accounts and certificates are stored under.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn client(&self) -> Result<AccountBuilder> {
        (self.client)().map_err(|error| Error::of_ca("make an HTTP client", error))
    }

    /// One step of the protocol, within its time.
    pub(crate) async fn step<T>(
        &self,
        step: &'static str,
        work: impl Future<Output = Result<T, instant_acme::Error>>,
    ) -> Result<T> {
        self.step_within(STEP_LIMIT, step, work).await
    }

    pub(crate) async fn step_within<T>(
        &self,
        limit: Duration,
        step: &'static str,
        work: impl Future<Output = Result<T, instant_acme::Error>>,
    ) -> Result<T> {
        tokio::select! {
            biased;
            done = work => done.map_err(|error| Error::of_ca(step, error)),
            () = self.clock.sleep(limit) => Err(Error::TimedOut { step }),
        }
    }
}

impl fmt::Debug for Ca {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ca").field("directory_url", &self.directory_url).finish_non_exhaustive()
    }
}
