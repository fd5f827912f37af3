//! What is taken for granted.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;

use certstore_core::Storage;
use certstore_instant_acme::{AccountStore, Ca, StoredChallenges};
use futures_util::future::join_all;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use rustls::ServerConfig;
use tower_service::Service;

use crate::server::ChallengeServer;
use crate::{
    AcmeIssuer, Config, ConfigBuilder, HttpsOptions, HttpsServer, InternalIssuer, Issuer,
    LETS_ENCRYPT_PRODUCTION_CA, Maintenance, ObtainedLocks, OnDemandConfig, Result, TlsListener,
    is_private_subject, subject, tls_config,
};

/// What [`https`](crate::https), [`listen`](crate::listen), [`tls`](crate::tls) and [`manage`](crate::manage) take for granted, to be changed before it is used: a value, so that two
/// parts of a program do not change each other's.
///
/// ```
/// use std::sync::Arc;
/// use certstore_acme::Defaults;
/// use certstore_core::MemoryStorage;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), certstore_acme::Error> {
/// let mut defaults = Defaults::default();
/// defaults.storage = Some(Arc::new(MemoryStorage::new()));
/// defaults.email = Some("ops@example.com".to_owned());
/// let managed = defaults.manage(["localhost"]).await?; // a private name: by the internal authority
/// assert!(managed.config().get_certificate("localhost").is_some());
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Defaults {
    /// Where certificates are kept, and shared by a fleet; [`certstore::default_storage`] unless set: files of this user, in a
    /// program that is built with the feature `fs` of `certstore`.
    pub storage: Option<Arc<dyn Storage>>,
    /// Who gives the certificates; unless set, `ca` for names that public CAs know, and an authority of one's own in the
    /// storage where all names are private, as `localhost` is.
    pub issuer: Option<Arc<dyn Issuer>>,
    /// The ACME CA; Let's Encrypt unless set.
    pub ca: Ca,
    /// Where the CA may write to.
    pub email: Option<String>,
    /// Names that are obtained when handshakes ask for them; none unless set.
    pub on_demand: Option<OnDemandConfig>,
    /// Where and how is listened.
    pub options: HttpsOptions,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            storage: None,
            issuer: None,
            ca: Ca::new(LETS_ENCRYPT_PRODUCTION_CA),
            email: None,
            on_demand: None,
            options: HttpsOptions::default(),
        }
    }
}

/// Which challenges this process can answer by what it listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    Both,
    InHandshakes,
}

impl Defaults {
    /// A manager for these names, which manages none yet.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::Error::Storage): the storage cannot be opened, or a name can have no certificate.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn config<T: AsRef<str>>(
        &self,
        names: impl IntoIterator<Item = T>,
    ) -> Result<Config> {
        Ok(self.config_for(&subjects(names)?, Answers::Both).await?.0)
    }

    async fn config_for(
        &self,
        names: &[String],
        answers: Answers,
    ) -> Result<(Config, ObtainedLocks)> {
        let storage = match &self.storage {
            Some(storage) => Arc::clone(storage),
            None => certstore::default_storage().await?,
        };
        let locks = ObtainedLocks::new(storage);
        let storage: Arc<dyn Storage> = Arc::new(locks.clone());
        let builder = match (&self.issuer, names.iter().all(|name| is_private_subject(name))) {
            (Some(issuer), _) => Config::builder(storage).shared_issuer(Arc::clone(issuer)),
            (None, true) => {
                Config::builder(Arc::clone(&storage)).issuer(InternalIssuer::new(storage))
            }
            (None, false) => self.by_acme(storage, answers)?,
        };
        let config = match self.on_demand.clone() {
            Some(on_demand) => builder.on_demand(on_demand).build(),
            None => builder.build(),
        };
        Ok((config, locks))
    }

    fn by_acme(&self, storage: Arc<dyn Storage>, answers: Answers) -> Result<ConfigBuilder> {
        let mut accounts = AccountStore::new(Arc::clone(&storage), self.ca.clone())?;
        if let Some(email) = &self.email {
            accounts = accounts.with_email(&**email)?;
        }
        let mut responder = StoredChallenges::new(Arc::clone(&storage), &self.ca);
        if answers == Answers::InHandshakes {
            responder = responder.disable_http_challenge();
        }
        let (accounts, responder) = (Arc::new(accounts), Arc::new(responder));
        let issuer = AcmeIssuer::new(Arc::clone(&storage), &self.ca, accounts, responder);
        Ok(Config::builder(storage).issuer(issuer))
    }

    /// As [`https`](crate::https), until `stop` completes.
    ///
    /// # Errors
    /// As [`https`](crate::https).
    ///
    /// # Cancel safety
    /// As [`https`](crate::https).
    pub async fn https<T, S, B>(
        &self,
        names: impl IntoIterator<Item = T>,
        service: S,
        stop: impl Future<Output = ()>,
    ) -> Result<()>
    where
        T: AsRef<str>,
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let names = subjects(names)?;
        let (config, locks) = self.config_for(&names, Answers::Both).await?;
        let server = HttpsServer::bind(&config, self.options.clone()).await?;
        let managed = Managed { kept: config.maintain(), config, locks };
        let config = managed.config();
        // The CA's challenges are answered by the server itself.
        let mut serving = pin!(server.serve(service, stop));
        let obtained = tokio::select! {
            obtained = config.manage(&names) => Some(obtained),
            () = &mut serving => None,
        };
        if let Some(Ok(())) = obtained {
            serving.await;
        }
        managed.unlock_all_obtained().await;
        obtained.unwrap_or(Ok(()))
    }

    /// As [`listen`](crate::listen).
    ///
    /// # Errors
    /// As [`listen`](crate::listen).
    ///
    /// # Cancel safety
    /// As [`listen`](crate::listen).
    pub async fn listen<T: AsRef<str>>(
        &self,
        names: impl IntoIterator<Item = T>,
    ) -> Result<(TlsListener, Managed)> {
        let names = subjects(names)?;
        let (config, locks) = self.config_for(&names, Answers::InHandshakes).await?;
        let kept = config.maintain();
        let listener = TlsListener::listen(&config, &names, self.options.https).await?;
        Ok((listener, Managed { config, kept, locks }))
    }

    /// As [`tls`](crate::tls).
    ///
    /// # Errors
    /// As [`tls`](crate::tls).
    ///
    /// # Cancel safety
    /// As [`tls`](crate::tls).
    pub async fn tls<T: AsRef<str>>(
        &self,
        names: impl IntoIterator<Item = T>,
    ) -> Result<(ServerConfig, Managed)> {
        let managed = self.obtained(&subjects(names)?, Answers::InHandshakes).await?;
        let tickets = self.options.tickets.clone();
        Ok((tls_config(Arc::clone(managed.config.cache()), tickets), managed))
    }

    /// As [`manage`](crate::manage).
    ///
    /// # Errors
    /// As [`manage`](crate::manage).
    ///
    /// # Cancel safety
    /// As [`manage`](crate::manage).
    pub async fn manage<T: AsRef<str>>(
        &self,
        names: impl IntoIterator<Item = T>,
    ) -> Result<Managed> {
        self.obtained(&subjects(names)?, Answers::Both).await
    }

    /// With certificates, for whose challenges it answers meanwhile, where nobody else listens yet.
    async fn obtained(&self, names: &[String], answers: Answers) -> Result<Managed> {
        let (config, locks) = self.config_for(names, answers).await?;
        let http = self.options.http.filter(|_| answers == Answers::Both);
        let mut servers = Vec::new();
        for (http, https) in [(http, None), (None, Some(self.options.https))] {
            match ChallengeServer::bind(&config, http, https).await {
                Ok(server) => servers.push(server.serve(pending())),
                Err(error) => {
                    tracing::debug!(%error, "a CA's challenges are left to who listens there");
                }
            }
        }
        let answering = async {
            join_all(servers).await;
            // There is none.
            pending::<()>().await;
        };
        let kept = config.maintain();
        tokio::select! {
            managed = config.manage(names) => managed?,
            () = answering => {}
        }
        Ok(Managed { config, kept, locks })
    }
}

impl fmt::Debug for Defaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Defaults")
            .field("storage", &self.storage.as_ref().map(|storage| storage.backend()))
            .field("issuer", &self.issuer)
            .field("ca", &self.ca)
            .field("email", &self.email)
            .field("on_demand", &self.on_demand)
            .field("options", &self.options)
            .finish()
    }
}

fn subjects<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Result<Vec<String>> {
    let checked: certstore_core::Result<_> =
        names.into_iter().map(|name| subject(name.as_ref())).collect();
    Ok(checked?)
}

/// Names with certificates, which are renewed until this is dropped or [stopped](Self::stop).
#[derive(Debug)]
#[must_use = "certificates are renewed until this is dropped"]
pub struct Managed {
    config: Config,
    kept: Maintenance,
    locks: ObtainedLocks,
}

impl Managed {
    /// The manager.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Renews no longer; the certificates are served until they expire.
    ///
    /// # Cancel safety
    /// Dropped, it ends all the same.
    pub async fn stop(self) {
        self.kept.stop().await;
    }

    /// As [`stop`](Self::stop), and gives back all locks that were obtained for these names, waiting until the storage has
    /// said so: the last thing a process does, so that nobody waits for its leases. Locks of an
    /// [issuer](Defaults::issuer) with a storage of its own are that storage's.
    ///
    /// # Cancel safety
    /// As [`ObtainedLocks::unlock_all_obtained`].
    pub async fn unlock_all_obtained(self) {
        self.kept.stop().await;
        self.locks.unlock_all_obtained().await;
    }
}
