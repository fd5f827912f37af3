//! What the suite needs of a backend: a way to open it.

use std::sync::Arc;

use async_trait::async_trait;
use certstore_core::{Result, Storage};

/// Opens the backend under test. The one thing that a backend author writes.
///
/// A *namespace* is a short name of `a-z`, `0-9` and `-` that no other run has: use it as directory, prefix or
/// database. Give the backend a short lease (1 to 2 s) where it has leases: several cases outlive one.
///
/// ```
/// use std::sync::Arc;
/// use certstore_conformance::{Factory, MemoryFactory};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> certstore_core::Result<()> {
/// let factory = MemoryFactory::new();
/// let storage = factory.open("doc").await?;
/// assert_eq!(storage.backend(), "memory");
/// factory.remove("doc").await
/// # }
/// ```
#[async_trait]
pub trait Factory: Send + Sync + 'static {
    /// The backend's name in the report.
    fn name(&self) -> &str;

    /// Opens `namespace`: the same namespace gives the same data and the same locks. Every call gives a client of its
    /// own, as another process would; where data is shared between processes, the same call in another process
    /// (with [`worker_env`](Self::worker_env) in its environment) reaches it too.
    ///
    /// # Errors
    /// Of the backend. A failed open fails the case.
    async fn open(&self, namespace: &str) -> Result<Arc<dyn Storage>>;

    /// Removes everything that `namespace` has left. Called once a case is over, passed or not.
    ///
    /// # Errors
    /// Of the backend; shown as a note of the case.
    async fn remove(&self, namespace: &str) -> Result<()>;

    /// A client of a backend that fails every request: a server that was stopped, a directory that cannot be read.
    /// `None` where that cannot be made.
    ///
    /// # Errors
    /// When making it fails, which fails the case.
    async fn open_faulty(&self, namespace: &str) -> Result<Option<Arc<dyn Storage>>> {
        let _ = namespace;
        Ok(None)
    }

    /// The secrets that [`open`](Self::open) configures the backend with. They are looked for in errors and logs.
    fn canaries(&self) -> Vec<String> {
        Vec::new()
    }

    /// Configures the backend with `canary` as each of its credentials, provokes failures of configuration,
    /// authentication and I/O, and returns every text that a user may see: `Debug` of the configuration and of the
    /// storage, `Debug` and `Display` of the errors and of their sources. Empty: the backend takes no credentials.
    async fn canary_texts(&self, canary: &str) -> Vec<String> {
        let _ = canary;
        Vec::new()
    }

    /// The number of round trips to the service until now, over all clients of this factory; `None` where nothing
    /// counts them.
    fn round_trips(&self) -> Option<u64> {
        None
    }

    /// How many round trips a warm lock takes, and an unlock: 1 each, or what the lock protocol of the service needs,
    /// which the report then says.
    fn lock_round_trips(&self) -> u64 {
        1
    }

    /// Why the server under test can prove nothing of a clause, by its id: a server of other people's making that is known
    /// to do otherwise than the service which it stands for. The clause is then not run, and the report says it.
    fn unproven(&self, clause: &str) -> Option<&'static str> {
        let _ = clause;
        None
    }

    /// Environment that lets the factory in a worker process reach the same data, such as the port of a test server.
    fn worker_env(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}
