//! CAs, a storage, and who answers them.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use certstore_acme::{AcmeIssuer, ChallengeServer, Config};
use certstore_conformance::servers::Pebble;
use certstore_core::{Clock, MemoryStorage, Sleep, Storage, SystemClock};
use certstore_instant_acme::{AccountStore, Ca, StoredChallenges};
use tokio::task::{AbortHandle, spawn};

pub(crate) struct Authority {
    pub(crate) pebble: Pebble,
}

impl Authority {
    pub(crate) fn start() -> Self {
        Self { pebble: Pebble::start().expect("Pebble starts") }
    }

    pub(crate) fn ca(&self) -> Ca {
        Ca::new(self.pebble.directory()).with_root(self.pebble.api_root())
    }

    /// Has a node answer where this CA looks.
    pub(crate) async fn is_answered_by(&self, node: &Config) -> Task {
        let address = ([127, 0, 0, 1], self.pebble.http_port()).into();
        let server = ChallengeServer::bind(node, Some(address), None).await;
        let server = server.expect("the port is free");
        Task(spawn(server.serve(std::future::pending())).abort_handle())
    }
}

/// Ends with its value.
pub(crate) struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(crate) struct World {
    pub(crate) storage: Arc<dyn Storage>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { storage: Arc::new(MemoryStorage::new()) }
    }

    pub(crate) fn accounts(&self, authority: &Authority) -> Arc<AccountStore> {
        self.accounts_at(&authority.ca())
    }

    fn accounts_at(&self, ca: &Ca) -> Arc<AccountStore> {
        Arc::new(AccountStore::new(self.storage.clone(), ca.clone()).expect("the CA has a place"))
    }

    pub(crate) fn responder(&self, authority: &Authority) -> Arc<StoredChallenges> {
        self.responder_at(&authority.ca())
    }

    fn responder_at(&self, ca: &Ca) -> Arc<StoredChallenges> {
        Arc::new(StoredChallenges::new(self.storage.clone(), ca).disable_tls_alpn_challenge())
    }

    pub(crate) fn issuer(&self, authority: &Authority) -> AcmeIssuer {
        self.issuer_at(&authority.ca())
    }

    pub(crate) fn issuer_at(&self, ca: &Ca) -> AcmeIssuer {
        let (accounts, responder) = (self.accounts_at(ca), self.responder_at(ca));
        AcmeIssuer::new(self.storage.clone(), ca, accounts, responder)
    }

    pub(crate) fn builder(&self, issuer: AcmeIssuer) -> certstore_acme::ConfigBuilder {
        Config::builder(self.storage.clone()).issuer(issuer)
    }

    pub(crate) fn config(&self, issuer: AcmeIssuer) -> Config {
        self.builder(issuer).build()
    }
}

/// The machine's clocks, but for the wall clock, which stands until it is advanced.
#[derive(Debug)]
pub(crate) struct SetClock(Mutex<SystemTime>);

impl SetClock {
    pub(crate) fn now() -> Arc<Self> {
        Arc::new(Self(Mutex::new(SystemTime::now())))
    }

    pub(crate) fn advance(&self, by: Duration) {
        *self.0.lock().expect("nothing panicked") += by;
    }
}

impl Clock for SetClock {
    fn boottime(&self) -> Duration {
        SystemClock.boottime()
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }

    fn wall(&self) -> SystemTime {
        *self.0.lock().expect("nothing panicked")
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        SystemClock.sleep(duration)
    }
}
