//! Nodes over one storage, and a CA that looks at one address.

use std::net::Ipv4Addr;
use std::sync::Arc;

use certstore_acme::{AcmeIssuer, Config, TlsListener, tls_config};
use certstore_conformance::servers::Pebble;
use certstore_core::{ErrorKind, Key, MemoryStorage, Storage, StorageKeys};
use certstore_instant_acme::{AccountStore, Ca, StoredChallenges};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub(crate) struct Fleet {
    pub(crate) pebble: Pebble,
    pub(crate) storage: Arc<dyn Storage>,
}

impl Fleet {
    pub(crate) fn start() -> Self {
        Self::on(Arc::new(MemoryStorage::new()), Pebble::start().expect("Pebble starts"))
    }

    pub(crate) fn on(storage: Arc<dyn Storage>, pebble: Pebble) -> Self {
        Self { pebble, storage }
    }

    pub(crate) fn ca(&self) -> Ca {
        Ca::new(self.pebble.directory()).with_root(self.pebble.api_root())
    }

    pub(crate) fn issuer(
        &self,
        set: impl FnOnce(StoredChallenges) -> StoredChallenges,
    ) -> AcmeIssuer {
        let (ca, storage) = (self.ca(), &self.storage);
        let accounts = AccountStore::new(storage.clone(), ca.clone())
            .expect("a CA has a place")
            .with_email("ops@fleet.example");
        let responder = Arc::new(set(StoredChallenges::new(storage.clone(), &ca)));
        let accounts = Arc::new(accounts.expect("an address"));
        AcmeIssuer::new(storage.clone(), &ca, accounts, responder)
    }

    pub(crate) fn node(&self, set: impl FnOnce(StoredChallenges) -> StoredChallenges) -> Node<'_> {
        self.node_of(self.issuer(set))
    }

    pub(crate) fn node_of(&self, issuer: AcmeIssuer) -> Node<'_> {
        Node { fleet: self, config: Config::builder(self.storage.clone()).issuer(issuer).build() }
    }

    /// The answers that are in the storage.
    pub(crate) async fn tokens(&self) -> Vec<Key> {
        let prefix = StorageKeys::acme_ca_prefix(self.ca().issuer()).expect("a CA has a place");
        let prefix = prefix.join("challenge_tokens").expect("a key");
        match self.storage.list(&prefix.into(), true).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            listed => listed.expect("it can be listed"),
        }
    }
}

pub(crate) struct Node<'a> {
    fleet: &'a Fleet,
    pub(crate) config: Config,
}

impl Node<'_> {
    async fn listener(&self) -> TcpListener {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.fleet.pebble.tls_port())).await;
        listener.expect("the port is free")
    }

    pub(crate) async fn listen_where_the_ca_looks(&self) -> Task {
        let tls = tls_config(Arc::clone(self.config.cache()), None);
        let mut listener = TlsListener::new(self.listener().await, &self.config, tls);
        Task::of(async move {
            loop {
                listener.accept().await;
            }
        })
    }

    pub(crate) async fn listen_by_the_resolver_alone(&self) -> Task {
        let tls = TlsAcceptor::from(Arc::new(tls_config(Arc::clone(self.config.cache()), None)));
        let listener = self.listener().await;
        Task::of(async move {
            while let Ok((stream, _)) = listener.accept().await {
                drop(tls.accept(stream).await);
            }
        })
    }
}

/// Ends with its value.
pub(crate) struct Task(JoinHandle<()>);

impl Task {
    pub(crate) fn of(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
