//! The handle of a server.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s3s::service::S3ServiceBuilder;

use super::backend::Backend;
use super::fault::Faults;
use super::gate::{Gate, Keys};
use super::serve::Shared;
use super::store::{Store, Versioning};
use super::{ArmedFault, Fault, REGION, Requests};
use crate::loopback::Running;
use crate::loopback::credentials::{Credentials, Identity};
use crate::port::Port;

const BUCKET: &str = "certs";
const VERSIONED: &str = "certs-versioned";
const THREAD: &str = "loopback-s3";

/// An S3 server in this process. It ends, with its objects, when it is dropped.
///
/// It has two empty buckets: [`bucket`](Self::bucket), which never kept versions, and
/// [`versioned_bucket`](Self::versioned_bucket), which does.
#[derive(Debug)]
pub struct LoopbackS3 {
    store: Arc<Mutex<Store>>,
    shared: Arc<Shared>,
    faults: Arc<Faults>,
    keys: Keys,
    port: Port,
    running: Mutex<Option<Running>>,
}

impl LoopbackS3 {
    /// Starts a server on a free port of 127.0.0.1, on threads of its own.
    ///
    /// # Errors
    /// When no port or no thread can be had.
    pub fn start() -> io::Result<Self> {
        let identities = vec![
            Identity::new("AKIALOOPBACK00000001", "loop/back+secret-key-with-all-rights0001", None),
            Identity::new("AKIALOOPBACK00000002", "loop/back+secret-key-that-only-reads0002", None)
                .only_reading(),
            Identity::new(
                "ASIALOOPBACK00000003",
                "loop/back+secret-key-with-a-token0000003",
                Some("loopback/session+token=="),
            ),
        ];
        let keys = Keys(Arc::new(identities));
        let mut store = Store::default();
        store.add_bucket(BUCKET, Versioning::Off);
        store.add_bucket(VERSIONED, Versioning::Enabled);
        let store = Arc::new(Mutex::new(store));
        let faults = Arc::new(Faults::default());
        let mut service = S3ServiceBuilder::new(Backend(Arc::clone(&store)));
        service.set_auth(keys.clone());
        service.set_access(Gate { keys: keys.clone(), faults: Arc::clone(&faults) });
        let shared = Arc::new(Shared { service: service.build(), log: Arc::default() });
        let port = Port::free()?;
        let running = Running::start(port.number(), THREAD, Arc::clone(&shared))?;
        Ok(Self { store, shared, faults, keys, port, running: Mutex::new(Some(running)) })
    }

    /// The endpoint: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number())
    }

    /// The access key id with all rights.
    #[must_use]
    pub fn access_key(&self) -> &str {
        &self.keys.0[0].credentials.access_key
    }

    /// The secret of [`access_key`](Self::access_key).
    #[must_use]
    pub fn secret_key(&self) -> &str {
        &self.keys.0[0].credentials.secret_key
    }

    /// Credentials that may only read; a write with them is 403 `AccessDenied`.
    #[must_use]
    pub fn read_only(&self) -> Credentials {
        self.keys.0[1].credentials.clone()
    }

    /// Credentials with all rights that are good only with their session token, else 400 `InvalidToken`.
    #[must_use]
    pub fn temporary(&self) -> Credentials {
        self.keys.0[2].credentials.clone()
    }

    /// The region that signatures must name.
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

    /// Environment with which another process reaches this server: `LOOPBACK_S3_ENDPOINT`, `LOOPBACK_S3_BUCKET`,
    /// `LOOPBACK_S3_REGION`, `LOOPBACK_S3_ACCESS_KEY` and `LOOPBACK_S3_SECRET_KEY`.
    #[must_use]
    pub fn worker_env(&self) -> Vec<(String, String)> {
        let pairs = [
            ("LOOPBACK_S3_ENDPOINT", self.endpoint()),
            ("LOOPBACK_S3_BUCKET", BUCKET.to_owned()),
            ("LOOPBACK_S3_REGION", REGION.to_owned()),
            ("LOOPBACK_S3_ACCESS_KEY", self.access_key().to_owned()),
            ("LOOPBACK_S3_SECRET_KEY", self.secret_key().to_owned()),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// Switches a fault on. Several may strike one request.
    pub fn fault(&self, fault: Fault) -> ArmedFault {
        self.faults.arm(fault)
    }

    /// Switches every fault off.
    pub fn lift_faults(&self) {
        self.faults.lift_all();
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
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
