//! The handle of a server.

use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::auth::Keys;
use super::clock::ServerClock;
use super::fault::Faults;
use super::serve::Shared;
use super::store::{Store, Versioning};
use super::{ArmedFault, Fault, REGION, Requests};
use crate::loopback::Running;
use crate::loopback::credentials::{Credentials, Identity};
use crate::port::Port;

const BUCKET: &str = "certs";
const VERSIONED: &str = "certs-versioned";
const THREAD: &str = "loopback-oss";

/// An OSS server in this process. It ends, with its objects, when it is dropped.
///
/// It has two empty buckets: [`bucket`](Self::bucket), which never kept versions, and
/// [`versioned_bucket`](Self::versioned_bucket), which does.
#[derive(Debug)]
pub struct LoopbackOss {
    shared: Arc<Shared>,
    port: Port,
    running: Mutex<Option<Running>>,
}

impl LoopbackOss {
    /// Starts a server on a free port of 127.0.0.1, on threads of its own.
    ///
    /// # Errors
    /// When no port or no thread can be had.
    pub fn start() -> io::Result<Self> {
        let identities = vec![
            Identity::new("LTAILOOPBACK0001", "loop/back+secret-with-all-rights-01", None),
            Identity::new("LTAILOOPBACK0002", "loop/back+secret-that-only-reads-02", None)
                .only_reading(),
            Identity::new(
                "STS.LOOPBACK0003",
                "loop/back+secret-with-a-token-00003",
                Some("loopback/security+token=="),
            ),
        ];
        let mut store = Store::default();
        store.add_bucket(BUCKET, Versioning::Off);
        store.add_bucket(VERSIONED, Versioning::Enabled);
        let shared = Arc::new(Shared {
            store: Mutex::new(store),
            keys: Keys(Arc::new(identities)),
            faults: Faults::default(),
            clock: ServerClock::default(),
            log: Arc::default(),
            served: AtomicU64::new(1),
        });
        let port = Port::free()?;
        let running = Running::start(port.number(), THREAD, Arc::clone(&shared))?;
        Ok(Self { shared, port, running: Mutex::new(Some(running)) })
    }

    /// The endpoint: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number())
    }

    /// The access key id with all rights.
    #[must_use]
    pub fn access_key(&self) -> &str {
        &self.shared.keys.0[0].credentials.access_key
    }

    /// The secret of [`access_key`](Self::access_key).
    #[must_use]
    pub fn secret_key(&self) -> &str {
        &self.shared.keys.0[0].credentials.secret_key
    }

    /// Credentials that may only read; a write with them is 403 `AccessDenied`.
    #[must_use]
    pub fn read_only(&self) -> Credentials {
        self.shared.keys.0[1].credentials.clone()
    }

    /// Credentials with all rights that are good only with their security token, else 403.
    #[must_use]
    pub fn temporary(&self) -> Credentials {
        self.shared.keys.0[2].credentials.clone()
    }

    /// The region that signatures of version 4 must name.
    #[must_use]
    pub fn region(&self) -> &'static str {
        REGION
    }

    /// A bucket that never kept versions.
    #[must_use]
    pub fn bucket(&self) -> &'static str {
        BUCKET
    }

    /// A bucket that keeps versions.
    #[must_use]
    pub fn versioned_bucket(&self) -> &'static str {
        VERSIONED
    }

    /// Adds an empty bucket, or empties one: a bucket of its own for each test.
    pub fn add_bucket(&self, name: &str) {
        self.store().add_bucket(name, Versioning::Off);
    }

    /// Adds a bucket that is reached at another endpoint, which the refusal of every request names.
    pub fn add_bucket_elsewhere(&self, name: &str, endpoint: &str) {
        let mut store = self.store();
        store.add_bucket(name, Versioning::Off);
        if let Some(bucket) = store.buckets.get_mut(name) {
            bucket.elsewhere = Some(endpoint.to_owned());
        }
    }

    /// The names and lengths of the current objects of a bucket that begin with `prefix`, by name.
    #[must_use]
    pub fn objects(&self, bucket: &str, prefix: &str) -> Vec<(String, usize)> {
        let store = self.store();
        let keys = store.buckets.get(bucket).map(|bucket| &bucket.keys).into_iter().flatten();
        let found =
            keys.filter(|(key, _)| key.starts_with(prefix)).filter_map(|(key, versions)| {
                let object = versions.last()?.object.as_ref()?;
                Some((key.clone(), object.body.len()))
            });
        found.collect()
    }

    /// Lets a bucket keep versions from now on, as its owner can at any time.
    pub fn keep_versions(&self, name: &str) {
        if let Some(bucket) = self.store().buckets.get_mut(name) {
            bucket.versioning = Versioning::Enabled;
        }
    }

    /// Moves the server's clock so many seconds from the machine's. It dates replies and what is written from now on, and
    /// refuses requests that are signed more than 15 minutes from it.
    pub fn set_clock(&self, seconds: i64) {
        self.shared.clock.set(seconds);
    }

    /// Environment with which another process reaches this server: `LOOPBACK_OSS_ENDPOINT`, `LOOPBACK_OSS_BUCKET`,
    /// `LOOPBACK_OSS_REGION`, `LOOPBACK_OSS_ACCESS_KEY` and `LOOPBACK_OSS_SECRET_KEY`.
    #[must_use]
    pub fn worker_env(&self) -> Vec<(String, String)> {
        let pairs = [
            ("LOOPBACK_OSS_ENDPOINT", self.endpoint()),
            ("LOOPBACK_OSS_BUCKET", BUCKET.to_owned()),
            ("LOOPBACK_OSS_REGION", REGION.to_owned()),
            ("LOOPBACK_OSS_ACCESS_KEY", self.access_key().to_owned()),
            ("LOOPBACK_OSS_SECRET_KEY", self.secret_key().to_owned()),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// Switches a fault on. Several may strike one request.
    pub fn fault(&self, fault: Fault) -> ArmedFault {
        self.shared.faults.arm(fault)
    }

    /// Switches every fault off.
    pub fn lift_faults(&self) {
        self.shared.faults.lift_all();
    }

    /// The requests until now. A request enters when its reply is ready, so a client that has its reply finds it here;
    /// one whose client went away enters when the server noticed.
    #[must_use]
    pub fn requests(&self) -> Requests {
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets the requests until now.
    pub fn clear_requests(&self) {
        *self.shared.log.lock().unwrap_or_else(PoisonError::into_inner) = Requests::default();
    }

    /// Closes the port and every connection at once, as a server that is killed. A request that was under way was done
    /// whole or not at all. Nothing happens where it is stopped already.
    pub fn stop(&self) {
        let running = self.running().take();
        drop(running);
    }

    /// Listens again on the same port, with the same objects, faults and log. Nothing happens where it runs.
    ///
    /// # Errors
    /// When somebody else took the port in between.
    pub fn resume(&self) -> io::Result<()> {
        let mut running = self.running();
        if running.is_none() {
            *running = Some(Running::start(self.port.number(), THREAD, Arc::clone(&self.shared))?);
        }
        Ok(())
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.shared.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
