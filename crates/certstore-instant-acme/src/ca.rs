//! A certificate authority, and how it is reached.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use certstore_core::{Clock, Error as StorageError, ErrorKind, StorageKeys, SystemClock};
use http::HeaderValue;
use instant_acme::{Account, AccountBuilder, HttpClient};

use crate::directory::Directory;
use crate::http::{Connector, Polite, client, heard};
use crate::{Error, Result};

/// How long one step of the protocol may take, with its few requests: instant-acme itself waits for ever.
const STEP_LIMIT: Duration = Duration::from_secs(60);
/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
/// How long what a directory says is believed: it changes seldom, and a request of its own each time is one too many.
const DIRECTORY_LASTS: Duration = Duration::from_secs(3600);

/// RFC 8555, section 6.1, wants one.
const USER_AGENT: &str = concat!("certstore/", env!("CARGO_PKG_VERSION"));

type Http = dyn Fn() -> Result<Arc<dyn HttpClient>, instant_acme::Error> + Send + Sync;
/// What the directory said, and when.
type Read = Option<(Duration, Directory)>;

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
    http: Arc<Http>,
    user_agent: HeaderValue,
    request_limit: Duration,
    clock: Arc<dyn Clock>,
    directory: Arc<Mutex<Read>>,
}

impl Ca {
    /// The CA with this directory, which must be `https`. Its certificate is checked by what the platform trusts.
    #[must_use]
    pub fn new(directory_url: impl Into<String>) -> Self {
        let directory_url = directory_url.into();
        let connector = Connector::new();
        Self {
            issuer: StorageKeys::issuer_key(&directory_url),
            directory_url,
            http: Arc::new(move || client(&connector, None)),
            user_agent: HeaderValue::from_static(USER_AGENT),
            request_limit: REQUEST_LIMIT,
            clock: Arc::new(SystemClock),
            directory: Arc::default(),
        }
    }

    /// Trusts for its API the certificates in this PEM file alone: of a CA in a private network. The file is read when the
    /// CA is first asked.
    #[must_use]
    pub fn with_root(mut self, file: impl Into<PathBuf>) -> Self {
        let (connector, file) = (Connector::new(), file.into());
        self.http = Arc::new(move || client(&connector, Some(&file)));
        self
    }

    /// Reaches it through another client.
    #[must_use]
    pub fn with_http(mut self, client: Arc<dyn HttpClient>) -> Self {
        self.http = Arc::new(move || Ok(client.clone()));
        self
    }

    /// A client that cannot be made, for tests.
    #[cfg(test)]
    pub(crate) fn without_http(mut self, wanted: impl Fn() + Send + Sync + 'static) -> Self {
        self.http = Arc::new(move || {
            wanted();
            Err(instant_acme::Error::Str("no client"))
        });
        self
    }

    /// What requests say of who asks; certstore's name and version unless set.
    ///
    /// # Errors
    /// [`Error::Storage`] of the kind [`InvalidConfig`](ErrorKind::InvalidConfig): a header cannot say this.
    pub fn with_user_agent(mut self, user_agent: &str) -> Result<Self> {
        self.user_agent = HeaderValue::from_str(user_agent).map_err(|error| {
            StorageError::new(ErrorKind::InvalidConfig, "the user agent is no text for a header")
                .with_source(error)
        })?;
        Ok(self)
    }

    /// How long one request may take, with its answer; 30 seconds unless set. A step of the protocol, which is a few
    /// requests, takes a minute at most.
    #[must_use]
    pub fn with_request_limit(mut self, limit: Duration) -> Self {
        self.request_limit = limit;
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
        Ok(Account::builder_with_http(Box::new(self.http()?)))
    }

    /// The client for requests that instant-acme does not make.
    pub(crate) fn http(&self) -> Result<Polite> {
        let client = (self.http)().map_err(|error| Error::of_ca("make an HTTP client", error))?;
        Ok(Polite {
            client,
            user_agent: self.user_agent.clone(),
            limit: self.request_limit,
            clock: Arc::clone(&self.clock),
        })
    }

    /// What the directory says, as it was read within the last hour.
    pub(crate) async fn directory(&self) -> Result<Directory> {
        let now = self.clock.boottime();
        let fresh = |read: &&(Duration, Directory)| now.saturating_sub(read.0) < DIRECTORY_LASTS;
        let kept = self.kept().as_ref().filter(fresh).map(|(_, directory)| directory.clone());
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let client = self.http()?;
        let read = Directory::read(&client, &self.directory_url);
        let directory = self.step("read the directory", read).await?;
        *self.kept() = Some((now, directory.clone()));
        Ok(directory)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Read> {
        self.directory.lock().unwrap_or_else(PoisonError::into_inner)
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
            (done, again) = heard(work) => {
                done.map_err(|error| Error::of_ca(step, error).retry(again))
            }
            () = self.clock.sleep(limit) => Err(Error::TimedOut { step }),
        }
    }
}

impl fmt::Debug for Ca {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ca").field("directory_url", &self.directory_url).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "ca_tests.rs"]
mod tests;
