use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;

use certstore_core::MemoryStorage;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use super::*;
use crate::server::TlsListener;
use crate::{Cache, CacheOptions, Config, InternalIssuer, OnDemandConfig, tls_config};

/// A listener with room for two handshakes, and for four that wait.
struct Narrow {
    address: SocketAddr,
    config: Config,
    connector: TlsConnector,
}

impl Narrow {
    async fn start(capacity: Option<NonZeroUsize>, allow: OnDemandConfig) -> Self {
        let storage = Arc::new(MemoryStorage::new());
        let root = InternalIssuer::new(storage.clone()).root().await.expect("the test can go on");
        let options = CacheOptions { capacity, ..CacheOptions::default() };
        let cache = Cache::with_options(options).expect("the test can go on");
        let config = Config::builder(storage.clone())
            .issuer(InternalIssuer::new(storage))
            .cache(Arc::new(cache))
            .on_demand(allow)
            .build();
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("the test can go on");
        let tls = tls_config(Arc::clone(config.cache()), None);
        let mut listener = TlsListener::new(bound, &config, tls);
        listener.places = Places::new(2, 4);
        let address = listener.local_addr().expect("the test can go on");
        tokio::spawn(async move {
            loop {
                drop(listener.accept().await);
            }
        });
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(root.as_bytes()).expect("the test can go on");
        roots.add(root).expect("the test can go on");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the test can go on")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { address, config, connector: TlsConnector::from(Arc::new(client)) }
    }

    /// Whether a handshake for the name goes well.
    fn shake(&self, name: &str) -> impl Future<Output = bool> + Send + 'static {
        let (connector, address) = (self.connector.clone(), self.address);
        let name = ServerName::try_from(name.to_owned()).expect("the test can go on");
        async move {
            let stream = TcpStream::connect(address).await.expect("the test can go on");
            connector.connect(name, stream).await.is_ok()
        }
    }
}

#[tokio::test]
async fn handshakes_that_wait_leave_their_places_to_others() {
    let (asked, answer) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let allow = {
        let (asked, answer) = (asked.clone(), answer.clone());
        OnDemandConfig::new().decide(move |_| {
            asked.add_permits(1);
            let answer = answer.clone();
            async move { answer.acquire_owned().await.is_ok() }
        })
    };
    let narrow = Narrow::start(None, allow).await;
    narrow.config.manage(["localhost"]).await.unwrap();
    let waiting: Vec<_> =
        (0..4).map(|at| tokio::spawn(narrow.shake(&format!("n{at}.example.com")))).collect();
    asked.acquire_many(4).await.unwrap().forget();
    for _ in 0..8 {
        assert!(narrow.shake("localhost").await, "what is in memory is served meanwhile");
    }
    assert!(!narrow.shake("n5.example.com").await, "a fifth is turned away at once");
    assert!(narrow.shake("localhost").await);
    answer.add_permits(5);
    for waiting in waiting {
        assert!(waiting.await.unwrap(), "who has waited is served");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_waited_gets_the_certificate_that_has_left_the_cache_again() {
    let narrow = Narrow::start(NonZeroUsize::new(1), OnDemandConfig::new()).await;
    let names: Vec<String> = (0..20).map(|at| format!("n{at}.example.com")).collect();
    narrow.config.manage(&names).await.unwrap();
    for _ in 0..10 {
        // No more than wait at a time.
        for some in names.chunks(4) {
            let shaken = futures_util::future::join_all(some.iter().map(|name| narrow.shake(name)));
            assert_eq!(shaken.await, [true; 4], "{some:?}");
        }
    }
    assert_eq!(narrow.config.cache().len(), 1);
}
