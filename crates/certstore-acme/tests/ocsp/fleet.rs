//! Nodes over one storage, with an issuer whose CA has a responder.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use certstore::bundle::{BundleKeys, BundleMetadata, CertificateBundle};
use certstore_acme::{
    Cache, CacheOptions, Certificate, Config, ConfigBuilder, Event, Good, Issuer, Result,
};
use certstore_conformance::Gate;
use certstore_core::{Clock, ErrorKind, Lock, Sleep, SystemClock, with_lock};
use tokio::sync::watch;

use super::responder::Responder;

/// A clock that a test advances: who sleeps by it wakes then.
#[derive(Debug)]
pub(crate) struct HandClock {
    start: SystemTime,
    ahead: watch::Sender<Duration>,
}

impl HandClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { start: SystemTime::now(), ahead: watch::Sender::new(Duration::ZERO) })
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.ahead.send_modify(|ahead| *ahead += by);
    }
}

impl Clock for HandClock {
    fn boottime(&self) -> Duration {
        *self.ahead.borrow()
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }

    fn wall(&self) -> SystemTime {
        self.start + *self.ahead.borrow()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let (mut ahead, until) = (self.ahead.subscribe(), self.boottime().saturating_add(duration));
        Box::pin(async move {
            if ahead.wait_for(|ahead| *ahead >= until).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

/// Gives certificates of the responder's CA.
#[derive(Clone)]
pub(crate) struct OcspIssuer {
    pub(crate) name: &'static str,
    pub(crate) storage: Arc<Gate>,
    pub(crate) responder: Arc<Responder>,
    pub(crate) must_staple: bool,
    pub(crate) given: Arc<AtomicUsize>,
    pub(crate) down: Arc<AtomicBool>,
    pub(crate) serials: Arc<Mutex<Vec<u64>>>,
    /// The certificates whose keys it was told to keep apart, by their hashes.
    pub(crate) apart: Arc<Mutex<Vec<String>>>,
}

impl OcspIssuer {
    pub(crate) fn new(responder: &Arc<Responder>) -> Self {
        let (given, down, serials, apart) = Default::default();
        let responder = Arc::clone(responder);
        Self {
            name: "ocsp",
            storage: Gate::new(),
            responder,
            must_staple: false,
            given,
            down,
            serials,
            apart,
        }
    }

    pub(crate) fn serial(&self) -> u64 {
        let serials = self.serials.lock().unwrap_or_else(PoisonError::into_inner);
        *serials.last().expect("it has given one")
    }

    /// A node over its storage.
    pub(crate) fn node(&self, clock: &Arc<HandClock>) -> ConfigBuilder {
        let cache = Cache::with_clock(CacheOptions::default(), clock.clone());
        let cache = Arc::new(cache.expect("the test can go on"));
        Config::builder(self.storage.clone()).clock(clock.clone()).cache(cache).issuer(self.clone())
    }
}

impl fmt::Debug for OcspIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OcspIssuer").finish_non_exhaustive()
    }
}

#[async_trait]
impl Issuer for OcspIssuer {
    fn name(&self) -> &str {
        self.name
    }

    async fn load(&self, subject: &str) -> Result<Option<Certificate>> {
        let keys = BundleKeys::new(self.name, subject)?;
        match CertificateBundle::load(&*self.storage, &keys).await {
            Ok(bundle) => Ok(Some(Certificate::of(&bundle, Some(self.name))?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn obtain(&self, subject: &str, good: Good<'_>) -> Result<Certificate> {
        let keys = BundleKeys::new(self.name, subject)?;
        let work = async |guard: &Lock| {
            if let Some(found) = self.load(subject).await?.filter(|found| good(found)) {
                return Ok(found);
            }
            if self.down.load(Ordering::SeqCst) {
                let why = "the CA is down";
                return Err(certstore_acme::Error::Refused { name: subject.to_owned(), why });
            }
            let (chain, key, serial) =
                self.responder.authority.sign(subject, &self.responder.url(), self.must_staple);
            self.serials.lock().unwrap_or_else(PoisonError::into_inner).push(serial);
            self.given.fetch_add(1, Ordering::SeqCst);
            let bundle = CertificateBundle::new(chain, key, BundleMetadata::default())?;
            bundle.store_under(&*self.storage, &keys, guard).await?;
            Ok(Certificate::of(&bundle, Some(self.name))?)
        };
        with_lock(&*self.storage, keys.lock(), work).await?
    }

    async fn put_private_key_aside(&self, _: &str, revoked: &Certificate) -> Result<()> {
        let mut apart = self.apart.lock().unwrap_or_else(PoisonError::into_inner);
        apart.push(revoked.hash().to_owned());
        Ok(())
    }
}

/// Keeps what is told, by its first word.
pub(crate) fn teller(
    told: &Arc<Mutex<Vec<String>>>,
) -> impl Fn(&Event<'_>) + Send + Sync + 'static {
    let told = Arc::clone(told);
    move |event| {
        let word = format!("{event:?}");
        let word = word.split([' ', '{']).next().unwrap_or_default().to_owned();
        told.lock().unwrap_or_else(PoisonError::into_inner).push(word);
    }
}
