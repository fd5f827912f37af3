//! Many handshakes at once, for many names that nobody has asked for before.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use certstore_acme::{
    Certificate, Config, Good, Hello, InternalIssuer, Issuer, OnDemandConfig, Result, TlsListener,
    tls_config,
};
use certstore_core::{MemoryStorage, Storage};
use futures_util::future::join_all;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

/// Which certificates were made for each name, by their hashes.
type Made = Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>;

/// Notes what it gives.
#[derive(Debug)]
struct Noting {
    issuer: InternalIssuer,
    made: Made,
}

#[async_trait]
impl Issuer for Noting {
    fn name(&self) -> &str {
        self.issuer.name()
    }

    async fn load(&self, subject: &str) -> Result<Option<Certificate>> {
        self.issuer.load(subject).await
    }

    async fn obtain(&self, subject: &str, good: Good<'_>) -> Result<Certificate> {
        let made = self.issuer.obtain(subject, good).await?;
        // A CA takes its time.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut all = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(subject.to_owned()).or_default().insert(made.hash().to_owned());
        Ok(made)
    }
}

fn node(storage: &Arc<dyn Storage>, made: &Made) -> Config {
    let issuer =
        Noting { issuer: InternalIssuer::new(Arc::clone(storage)), made: Arc::clone(made) };
    let allow = OnDemandConfig::new().allow(["*.customers.example"]).expect("a name");
    Config::builder(Arc::clone(storage)).issuer(issuer).on_demand(allow).build()
}

/// Four of five names are allowed.
fn name(at: usize) -> String {
    let domain = if at.is_multiple_of(5) { "strangers" } else { "customers" };
    format!("n{at}.{domain}.example")
}

fn is_allowed(name: &str) -> bool {
    name.contains("customers")
}

/// One certificate for each allowed name among so many, none for the others.
fn assert_made_once(made: &Made, names: usize) {
    let made = made.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(made.keys().all(|name| is_allowed(name)));
    assert_eq!(made.len(), (0..names).filter(|at| is_allowed(&name(*at))).count());
    for (name, hashes) in made.iter() {
        assert_eq!(hashes.len(), 1, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_handshakes_for_a_thousand_names_make_one_certificate_for_each_allowed_name() {
    const NAMES: usize = 1_000;
    const HANDSHAKES: usize = 10_000;
    let (storage, made): (Arc<dyn Storage>, Made) =
        (Arc::new(MemoryStorage::new()), Made::default());
    // Two nodes of a fleet, asked in turn.
    let nodes = [node(&storage, &made), node(&storage, &made)];
    let asking = (0..HANDSHAKES).map(|at| {
        let (node, name) = (nodes[at / NAMES % 2].clone(), name(at % NAMES));
        tokio::spawn(async move {
            let found = node.certificate_for(&Hello::named(&name)).await;
            (name, found.map(|found| found.names().to_vec()))
        })
    });
    for asked in join_all(asking).await {
        let (name, found) = asked.expect("no task panics");
        assert_eq!(found, is_allowed(&name).then(|| vec![name.clone()]), "{name}");
    }
    assert_made_once(&made, NAMES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_tls_handshakes_at_once_for_a_thousand_names_at_two_nodes() {
    const NAMES: usize = 1_000;
    const HANDSHAKES: usize = 10_000;
    has_files_for_all();
    let (storage, made): (Arc<dyn Storage>, Made) =
        (Arc::new(MemoryStorage::new()), Made::default());
    let nodes = [node(&storage, &made), node(&storage, &made)];
    // The first makes the authority, whose root the clients trust.
    nodes[0].certificate_for(&Hello::named(&name(1))).await.expect("it is allowed");
    let root = storage.load(&"pki/authorities/local/root.crt".parse().expect("a key")).await;
    let client = trusting(&root.expect("the authority's root"));
    let mut serving = JoinSet::new();
    let mut addresses = Vec::new();
    for node in &nodes {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
        let listener = socket.listen(HANDSHAKES as u32).expect("a listener");
        addresses.push(listener.local_addr().expect("its address"));
        let tls = tls_config(Arc::clone(node.cache()), None);
        let mut listener = TlsListener::new(listener, node, tls);
        serving.spawn(async move {
            loop {
                drop(listener.accept().await);
            }
        });
    }
    let asking = (0..HANDSHAKES).map(|at| {
        let address = addresses[at / NAMES % 2];
        tokio::spawn(shakes_hands(client.clone(), address, name(at % NAMES)))
    });
    for asked in join_all(asking).await {
        let (name, done) = asked.expect("no task panics");
        // Its client checks name, root and validity.
        assert_eq!(done.is_ok(), is_allowed(&name), "{name}: {done:?}");
    }
    assert_made_once(&made, NAMES);
}

/// Each handshake has two sockets in this process.
fn has_files_for_all() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let most = getrlimit(Resource::Nofile);
        let all = Rlimit { current: most.maximum, ..most };
        setrlimit(Resource::Nofile, all).expect("the limit can be raised as far as it goes");
    }
}

fn trusting(root: &[u8]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(root).expect("a certificate")).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("its versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

async fn shakes_hands(
    client: TlsConnector,
    address: SocketAddr,
    name: String,
) -> (String, std::io::Result<()>) {
    let asked = ServerName::try_from(name.clone()).expect("a name");
    let done = async {
        let stream = TcpStream::connect(address).await?;
        client.connect(asked, stream).await.map(drop)
    };
    (name, done.await)
}
