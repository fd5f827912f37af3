//! The handle of a server.

use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::fault::Faults;
use super::serve::Shared;
use super::store::Store;
use super::{ArmedFault, Fault, REGION, Requests};
use crate::loopback::Running;
use crate::loopback::credentials::{Credentials, Identity};
use crate::port::Port;

const THREAD: &str = "loopback-secretsmanager";

/// A Secrets Manager server in this process, empty at first. It ends, with its secrets, when it is dropped.
#[derive(Debug)]
pub struct LoopbackSecretsManager {
    shared: Arc<Shared>,
    port: Port,
    running: Mutex<Option<Running>>,
}

impl LoopbackSecretsManager {
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
        let shared = Arc::new(Shared {
            store: Arc::default(),
            faults: Arc::new(Faults::default()),
            identities: Arc::new(identities),
            log: Mutex::default(),
            numbers: AtomicU64::new(1),
            releases: watch::Sender::new(0),
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
        &self.shared.identities[0].credentials.access_key
    }

    /// The secret of [`access_key`](Self::access_key).
    #[must_use]
    pub fn secret_key(&self) -> &str {
        &self.shared.identities[0].credentials.secret_key
    }

    /// Credentials that may only read; a write with them is `AccessDeniedException`.
    #[must_use]
    pub fn read_only(&self) -> Credentials {
        self.shared.identities[1].credentials.clone()
    }

    /// Credentials with all rights that are good only with their session token, else `UnrecognizedClientException`.
    #[must_use]
    pub fn temporary(&self) -> Credentials {
        self.shared.identities[2].credentials.clone()
    }

    /// The region that signatures must name.
    #[must_use]
    pub fn region(&self) -> &'static str {
        REGION
    }

    /// Environment with which another process reaches this server: `LOOPBACK_SECRETSMANAGER_ENDPOINT`, `_REGION`,
    /// `_ACCESS_KEY` and `_SECRET_KEY`.
    #[must_use]
    pub fn worker_env(&self) -> Vec<(String, String)> {
        let pairs = [
            ("ENDPOINT", self.endpoint()),
            ("REGION", REGION.to_owned()),
            ("ACCESS_KEY", self.access_key().to_owned()),
            ("SECRET_KEY", self.secret_key().to_owned()),
        ];
        pairs.map(|(name, value)| (format!("LOOPBACK_SECRETSMANAGER_{name}"), value)).into()
    }

    /// Moves the server's clock on. Signatures are judged by the machine's.
    pub fn advance(&self, time: Duration) {
        self.store().advance(time);
    }

    /// How many versions a secret may have that are younger than a day; `None`: as many as come. At first
    /// [`MAX_VERSIONS`](super::MAX_VERSIONS).
    pub fn set_version_limit(&self, limit: Option<usize>) {
        self.store().version_limit = limit;
    }

    /// Lists show the state of so long ago, by the server's clock; at most ten minutes. At first the present.
    pub fn set_list_delay(&self, delay: Duration) {
        self.store().list_delay = delay.min(Duration::from_secs(600));
    }

    /// Reads of one secret show the state of so long ago, by the server's clock; at most ten minutes. At first the
    /// present. Writes are judged by the present.
    pub fn set_read_delay(&self, delay: Duration) {
        self.store().read_delay = delay.min(Duration::from_secs(600));
    }

    /// For so long after a forced delete no secret of the name can be created. At first for no time.
    pub fn set_delete_lag(&self, lag: Duration) {
        self.store().delete_lag = lag;
    }

    /// More requests in one second than this are throttled. At first as many as come.
    pub fn set_rate(&self, limit: Option<u32>) {
        self.store().set_rate(limit);
    }

    /// Switches a fault on. Several may strike one request.
    pub fn fault(&self, fault: Fault) -> ArmedFault {
        self.shared.faults.arm(fault)
    }

    /// Switches every fault off.
    pub fn lift_faults(&self) {
        self.shared.faults.lift_all();
    }

    /// Lets the requests go that are held by [`Effect::Hold`](super::Effect::Hold).
    pub fn release(&self) {
        self.shared.releases.send_modify(|releases| *releases += 1);
    }

    /// The requests until now. A request enters when its reply is ready, so a client that has its reply finds it here;
    /// one whose client went away enters when the server noticed.
    #[must_use]
    pub fn requests(&self) -> Requests {
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number of requests until now, as [`requests`](Self::requests) counts them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner).total()
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

    /// Listens again on the same port, with the same secrets, faults and log. Nothing happens where it runs.
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
