//! A fleet on a storage that can be away, and issuers that can be down.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use certstore_conformance::Gate;

use super::*;
use crate::test_clock::TokioClock;
use crate::{Certificate, Error, Good, InternalIssuer, Result};

pub(super) const HOUR: Duration = Duration::from_secs(3600);

pub(super) fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_900_000_000)
}

/// An issuer whose other side can be down, and which counts how often it was needed.
#[derive(Debug)]
pub(super) struct Flaky {
    pub(super) inner: InternalIssuer,
    pub(super) down: AtomicBool,
    pub(super) panics: AtomicBool,
    pub(super) asked: AtomicUsize,
    pub(super) loads: AtomicUsize,
}

impl Flaky {
    pub(super) fn new(storage: &Arc<Gate>, clock: &Arc<TokioClock>, name: &str) -> Arc<Self> {
        let inner =
            InternalIssuer::new(storage.clone()).with_authority(name).with_clock(clock.clone());
        let (down, panics, asked, loads) = Default::default();
        Arc::new(Self { inner, down, panics, asked, loads })
    }
}

#[derive(Debug)]
pub(super) struct Handle(pub(super) Arc<Flaky>);

#[async_trait]
impl Issuer for Handle {
    fn name(&self) -> &str {
        self.0.inner.name()
    }

    async fn load(&self, subject: &str) -> Result<Option<Certificate>> {
        self.0.loads.fetch_add(1, Ordering::SeqCst);
        self.0.inner.load(subject).await
    }

    async fn obtain(&self, subject: &str, good: Good<'_>) -> Result<Certificate> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        assert!(!self.0.panics.load(Ordering::SeqCst), "as asked for");
        if self.0.down.load(Ordering::SeqCst) {
            return Err(Error::Refused { name: subject.to_owned(), why: "it is down" });
        }
        self.0.inner.obtain(subject, good).await
    }
}

pub(super) struct Fleet {
    pub(super) storage: Arc<Gate>,
    pub(super) clock: Arc<TokioClock>,
}

impl Fleet {
    pub(super) fn new() -> Self {
        Self { storage: Gate::new(), clock: TokioClock::starting(start()) }
    }

    pub(super) fn builder(&self) -> ConfigBuilder {
        let cache = Cache::with_clock(crate::CacheOptions::default(), self.clock.clone()).unwrap();
        Config::builder(self.storage.clone()).clock(self.clock.clone()).cache(Arc::new(cache))
    }

    pub(super) fn node(&self) -> (Config, Arc<Flaky>) {
        let issuer = Flaky::new(&self.storage, &self.clock, "local");
        (self.builder().issuer(Handle(issuer.clone())).build(), issuer)
    }

    pub(super) fn now(&self) -> SystemTime {
        self.clock.wall()
    }
}

pub(super) fn hash(config: &Config, name: &str) -> String {
    config.get_certificate(name).expect("it is served").hash().to_owned()
}
