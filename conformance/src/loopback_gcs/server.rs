//! The handle of a server.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;

use super::call::Shared;
use super::fault::Faults;
use super::store::{Bucket, Store};
use super::tokens::{FULL, READER, STRANGER, Tokens};
use super::{ArmedFault, Fault, Requests, oauth};
use crate::loopback::Running;
use crate::port::Port;

const BUCKET: &str = "certs";
const THREAD: &str = "loopback-gcs";

/// A Google Cloud Storage server in this process. It ends, with its objects, when it is dropped.
///
/// It has one empty bucket, [`bucket`](Self::bucket).
#[derive(Debug)]
pub struct LoopbackGcs {
    shared: Arc<Shared>,
    port: Port,
    running: Mutex<Option<Running>>,
}

impl LoopbackGcs {
    /// Starts a server on a free port of 127.0.0.1, on threads of its own.
    ///
    /// # Errors
    /// When no port or no thread can be had.
    pub fn start() -> io::Result<Self> {
        let mut store = Store::default();
        store.buckets.insert(BUCKET.to_owned(), Bucket::default());
        let shared = Arc::new(Shared {
            store: Mutex::new(store),
            log: Mutex::default(),
            faults: Arc::new(Faults::default()),
            tokens: Tokens::default(),
            endpoint: Mutex::default(),
        });
        let port = Port::free()?;
        let running = Running::start(port.number(), THREAD, Arc::clone(&shared))?;
        let server = Self { shared, port, running: Mutex::new(Some(running)) };
        let mut endpoint = server.shared.endpoint.lock().unwrap_or_else(PoisonError::into_inner);
        *endpoint = server.endpoint();
        drop(endpoint);
        Ok(server)
    }

    /// The endpoint, of JSON and of gRPC: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number())
    }

    /// A bucket.
    #[must_use]
    pub fn bucket(&self) -> &'static str {
        BUCKET
    }

    /// Adds an empty bucket, or empties one: a bucket of its own for each test.
    pub fn add_bucket(&self, name: &str) {
        self.shared.store().buckets.insert(name.to_owned(), Bucket::default());
    }

    /// A token with all rights.
    #[must_use]
    pub fn token(&self) -> &'static str {
        FULL
    }

    /// A token that may only read; a write with it is 403.
    #[must_use]
    pub fn read_only_token(&self) -> &'static str {
        READER
    }

    /// A token that is known and may do nothing: every request is 403.
    #[must_use]
    pub fn powerless_token(&self) -> &'static str {
        STRANGER
    }

    /// Whether requests without a token have all rights, as those of emulators have. Off at first.
    pub fn allow_anonymous(&self, allowed: bool) {
        self.shared.tokens.allow_anonymous(allowed);
    }

    /// Lets in whoever signs JWTs with this RSA key, in PKCS#8 PEM as it stands in the account's key file; only its
    /// public half is kept.
    ///
    /// # Errors
    /// It is no such key.
    pub fn add_service_account(&self, email: &str, private_key_pem: &str) -> io::Result<()> {
        let added = self.shared.tokens.add_account(email, private_key_pem);
        added.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no RSA key in PKCS#8 PEM"))
    }

    /// A credentials file of a user, as `gcloud auth application-default login` writes it, whose tokens come from this
    /// server.
    #[must_use]
    pub fn authorized_user(&self) -> String {
        json!({
            "type": "authorized_user",
            "client_id": oauth::CLIENT_ID,
            "client_secret": oauth::CLIENT_SECRET,
            "refresh_token": oauth::REFRESH_TOKEN,
            "token_uri": format!("{}/token", self.endpoint()),
        })
        .to_string()
    }

    /// The metadata server, as `GCE_METADATA_HOST` names it.
    #[must_use]
    pub fn metadata_host(&self) -> String {
        format!("127.0.0.1:{}", self.port.number())
    }

    /// How far apart writes and deletes of one object must be, else they are 429; the service's limit is one second. Zero,
    /// as at first: there is no limit.
    pub fn set_write_interval(&self, interval: Duration) {
        self.shared.store().write_interval = interval;
    }

    /// Environment with which another process reaches this server: `LOOPBACK_GCS_ENDPOINT`, `LOOPBACK_GCS_BUCKET` and
    /// `LOOPBACK_GCS_TOKEN`.
    #[must_use]
    pub fn worker_env(&self) -> Vec<(String, String)> {
        let pairs = [
            ("LOOPBACK_GCS_ENDPOINT", self.endpoint()),
            ("LOOPBACK_GCS_BUCKET", BUCKET.to_owned()),
            ("LOOPBACK_GCS_TOKEN", FULL.to_owned()),
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
        self.shared.log().clone()
    }

    /// Forgets the requests until now.
    pub fn clear_requests(&self) {
        *self.shared.log() = Requests::default();
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
}
