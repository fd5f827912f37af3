//! What a case has at hand: clients of its own namespace, and the time it may take.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use certstore_core::{Capabilities, Key, Listing, LockName, Shared, Storage};

use crate::case::{Case, Stop, ensure};
use crate::peer::Peer;
use crate::{Factory, Options};

/// One client.
pub(crate) type Client = Arc<dyn Storage>;

/// What one case works with.
pub(crate) struct Context {
    factory: Arc<dyn Factory>,
    options: Options,
    capabilities: Capabilities,
    namespaces: Mutex<Vec<String>>,
    notes: Mutex<Vec<String>>,
}

impl Context {
    pub(crate) fn new(
        factory: Arc<dyn Factory>,
        options: Options,
        capabilities: Capabilities,
    ) -> Self {
        let namespaces = Mutex::new(vec![unique_namespace()]);
        Self { factory, options, capabilities, namespaces, notes: Mutex::default() }
    }

    pub(crate) fn factory(&self) -> &Arc<dyn Factory> {
        &self.factory
    }

    pub(crate) fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// The namespace of the case.
    pub(crate) fn namespace(&self) -> String {
        lock(&self.namespaces)[0].clone()
    }

    pub(crate) fn namespaces(&self) -> Vec<String> {
        lock(&self.namespaces).clone()
    }

    /// A client of the case's namespace; another one on every call.
    pub(crate) async fn open(&self) -> Case<Client> {
        let opened = self.factory.open(&self.namespace()).await;
        opened.map_err(|error| Stop::failed(format!("cannot open the backend: {error:?}")))
    }

    /// Two clients of the case's namespace.
    pub(crate) async fn open_two(&self) -> Case<(Client, Client)> {
        Ok((self.open().await?, self.open().await?))
    }

    /// Whether lists show other clients' writes at once. Where not, what follows from lists is asked of the writer only.
    pub(crate) fn lists_at_once(&self) -> bool {
        let at_once = self.capabilities.list == Listing::Immediate;
        if !at_once {
            self.note("lists are delayed: directories and locks are looked for by the client that wrote them");
        }
        at_once
    }

    /// A length that the backend takes: `len`, or the longest value.
    pub(crate) fn at_most(&self, len: usize) -> usize {
        let limit = self.capabilities.max_value.unwrap_or(u64::MAX);
        len.min(usize::try_from(limit).unwrap_or(usize::MAX))
    }

    /// Another namespace, with other data and locks, removed with the case's own.
    pub(crate) fn another_namespace(&self) -> String {
        let namespace = unique_namespace();
        lock(&self.namespaces).push(namespace.clone());
        namespace
    }

    /// Adds a line to the report.
    pub(crate) fn note(&self, note: impl Into<String>) {
        lock(&self.notes).push(note.into());
    }

    pub(crate) fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.notes))
    }

    /// How long a lock may outlive a dead holder, with the slowest poll and a slow machine added.
    pub(crate) fn takeover_limit(&self) -> Duration {
        self.capabilities.lease.unwrap_or_default().mul_f64(1.5) + Duration::from_secs(4)
    }

    /// Within which time a lock that was given back, not abandoned, must be had: less than a lease, so that nothing
    /// passes because a lease ran out.
    pub(crate) fn release_limit(&self) -> Duration {
        self.capabilities.lease.map_or(Duration::from_secs(10), |lease| lease.mul_f64(0.9))
    }

    /// Whether other processes reach the same data, and there is a program to run in them.
    pub(crate) fn has_processes(&self) -> bool {
        self.options.worker.is_some() && self.shares_processes()
    }

    pub(crate) fn shares_processes(&self) -> bool {
        self.capabilities.shared != Shared::Process
    }

    /// A client in a process of its own.
    pub(crate) async fn process(&self) -> Case<Peer> {
        let Some(worker) = &self.options.worker else {
            return Err(Stop::not_supported("this run has no worker program for other processes"));
        };
        Peer::process(worker, &self.factory.worker_env(), &self.namespace()).await
    }

    /// A client that can be killed: a process where possible, else a thread with a runtime of its own, which needs leases.
    pub(crate) async fn mortal(&self) -> Case<Peer> {
        if self.has_processes() {
            self.process().await
        } else if self.capabilities.lease.is_some() {
            self.thread().await
        } else {
            Err(Stop::not_supported(
                "a holder without a lease dies only with its process, and this run has none",
            ))
        }
    }

    /// A client in a thread with a runtime of its own, which can be stopped as a paused process is.
    pub(crate) async fn thread(&self) -> Case<Peer> {
        Peer::thread(self.factory.clone(), self.namespace()).await
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("namespaces", &self.namespaces()).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Unlike any other of this or another process.
pub(crate) fn unique_namespace() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let micros = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    // Always as long: what a key may have beside it is told in reports that are compared.
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("c{:06x}-{micros:014x}-{number:03x}", std::process::id())
}

/// A key that the case spells right.
pub(crate) fn key(key: &str) -> Key {
    Key::new(key).expect("the suite's own keys are valid")
}

/// A lock name that the case spells right.
pub(crate) fn name(name: &str) -> LockName {
    LockName::new(name).expect("the suite's own lock names are valid")
}

/// The result of `future`, or a failure that says what took too long.
pub(crate) async fn within<T>(
    limit: Duration,
    what: &str,
    future: impl Future<Output = T>,
) -> Case<T> {
    let done = tokio::time::timeout(limit, future).await;
    done.map_err(|_| Stop::failed(format!("{what}: not within {} ms", limit.as_millis())))
}

/// Fails unless somebody holds `name`.
pub(crate) async fn ensure_held(by: &Client, name: &LockName, why: &str) -> Case {
    let got = by.try_lock(name).await?;
    ensure!(got.is_none(), "{why}: another client got the lock");
    Ok(())
}
