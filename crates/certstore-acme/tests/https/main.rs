//! The short way, against Pebble for public names and the internal authority for private ones.

#![cfg(unix)]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use certstore_acme::{Defaults, InternalIssuer, TlsListener};
use certstore_conformance::servers::{Pebble, https_certificate, https_get};
use certstore_core::MemoryStorage;
use certstore_instant_acme::Ca;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::TcpListener;

/// Two names that public CAs know, and that Pebble finds on this machine.
const NAMES: [&str; 2] = ["a.example.com", "b.example.com"];
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Clone)]
struct Hello;

impl tower_service::Service<Request<Incoming>> for Hello {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        ready(Ok(Response::new(format!("hello from {}", request.uri().path()))))
    }
}

/// Defaults that take Pebble for the CA, on the ports where it looks.
fn at(pebble: &Pebble) -> Defaults {
    let mut defaults = Defaults::default();
    defaults.storage = Some(Arc::new(MemoryStorage::new()));
    defaults.ca = Ca::new(pebble.directory()).with_root(pebble.api_root());
    defaults.email = Some("ops@example.com".to_owned());
    defaults.options.https = local(pebble.tls_port());
    defaults.options.http = Some(local(pebble.http_port()));
    defaults
}

fn local(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("the test can go on")
}

#[tokio::test(flavor = "multi_thread")]
async fn https_serves_names_that_it_obtains_itself() {
    let pebble = Pebble::start().unwrap();
    let (defaults, issuer) = (at(&pebble), pebble.issuer().unwrap());
    let address = defaults.options.https;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving =
        tokio::spawn(
            async move { defaults.https(NAMES, Hello, async { drop(stopped.await) }).await },
        );
    pebble.wait_for_orders(2).unwrap();
    for name in NAMES {
        let page = blocking({
            let issuer = issuer.clone();
            move || {
                let end = std::time::Instant::now() + LIMIT;
                loop {
                    match https_get(address, issuer.as_bytes(), name, "/page") {
                        Err(_) if std::time::Instant::now() < end => {
                            std::thread::sleep(Duration::from_millis(50));
                        }
                        page => return page,
                    }
                }
            }
        });
        assert_eq!(page.await.unwrap(), "hello from /page");
    }
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    assert_eq!(pebble.orders(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn listen_and_tls_answer_a_ca_in_the_handshake() {
    let pebble = Pebble::start().unwrap();
    let mut defaults = at(&pebble);
    // HTTP-01 would be preferred; nobody is there to answer it.
    defaults.options.http = None;
    let (tls, managed) = defaults.tls(NAMES).await.unwrap();
    assert_eq!(
        (managed.config().managed_names(), pebble.orders()),
        (NAMES.map(str::to_owned).to_vec(), 2)
    );
    let bound = TcpListener::bind(defaults.options.https).await.unwrap();
    show(&pebble, TlsListener::new(bound, managed.config(), tls), NAMES[0]).await;
    managed.stop().await;
    let (listener, managed) = defaults.listen(["c.example.com"]).await.unwrap();
    show(&pebble, listener, "c.example.com").await;
    // Whoever is at work at the end leaves no lock.
    let storage = defaults.storage.unwrap();
    let held = storage.lock(&"issue_cert_d.example.com".parse().unwrap()).await.unwrap();
    managed.config().manage_in_background(["d.example.com"]).unwrap();
    managed.unlock_all_obtained().await;
    held.unlock().await.unwrap();
    assert!(storage.locks().await.unwrap().is_empty());
    assert_eq!(pebble.orders(), 3);
}

/// A client that trusts the CA gets a certificate for the name.
async fn show(pebble: &Pebble, mut listener: TlsListener, name: &'static str) {
    let (address, issuer) = (listener.local_addr().expect("it listens"), pebble.issuer());
    let issuer = issuer.expect("the test can go on");
    let shown = blocking(move || https_certificate(address, issuer.as_bytes(), name));
    let (_, shown) = tokio::join!(listener.accept(), shown);
    shown.expect("it is trusted");
}

#[tokio::test(flavor = "multi_thread")]
async fn manage_obtains_where_nobody_listens_yet_and_leaves_the_ports() {
    let pebble = Pebble::start().unwrap();
    let defaults = at(&pebble);
    let managed = defaults.manage(NAMES).await.unwrap();
    for name in NAMES {
        assert!(managed.config().get_certificate(name).is_some());
    }
    for address in [defaults.options.https, defaults.options.http.unwrap()] {
        drop(TcpListener::bind(address).await.unwrap());
    }
    // What is stored is found without the CA.
    drop(pebble);
    let again = defaults.manage(NAMES).await.unwrap();
    assert_eq!(again.config().cache().len(), 2);
}

#[tokio::test]
async fn private_names_are_the_internal_authoritys() {
    let storage = Arc::new(MemoryStorage::new());
    let root = InternalIssuer::new(storage.clone()).root().await.unwrap();
    let mut defaults = Defaults::default();
    defaults.storage = Some(storage);
    (defaults.options.https, defaults.options.http) = (local(0), None);
    let (mut listener, managed) = defaults.listen(["localhost", "127.0.0.1"]).await.unwrap();
    let address = listener.local_addr().unwrap();
    let shown = blocking(move || https_certificate(address, root.as_bytes(), "localhost"));
    let (_, shown) = tokio::join!(listener.accept(), shown);
    assert_eq!(managed.config().get_certificate("localhost").unwrap().issuer(), Some("local"));
    shown.unwrap();
    assert!(defaults.manage(["no name"]).await.is_err());
}
