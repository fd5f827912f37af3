use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use certstore_core::MemoryStorage;
use http::Response;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::*;
use crate::{Config, InternalIssuer, Issuer as _};

const LOCAL: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

#[derive(Clone)]
struct Hello;

impl tower_service::Service<http::Request<hyper::body::Incoming>> for Hello {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<hyper::body::Incoming>) -> Self::Future {
        std::future::ready(Ok(Response::new(format!("hello from {}", request.uri().path()))))
    }
}

struct Site {
    https: SocketAddr,
    http: SocketAddr,
    root: String,
    stop: tokio::sync::oneshot::Sender<()>,
    done: tokio::task::JoinHandle<()>,
    config: Config,
}

async fn site() -> Site {
    let storage = Arc::new(MemoryStorage::new());
    let root = InternalIssuer::new(storage.clone()).root().await.unwrap();
    let config = Config::builder(storage.clone()).issuer(InternalIssuer::new(storage)).build();
    let mut options = HttpsOptions::default();
    (options.https, options.http) = (LOCAL.into(), Some(LOCAL.into()));
    let server = HttpsServer::bind(&config, options).await.unwrap();
    let (https, http) = (server.https_addr().unwrap(), server.http_addr().unwrap().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let done = tokio::spawn(server.serve(Hello, async { drop(stopped.await) }));
    config.manage(["localhost", "127.0.0.1"]).await.unwrap();
    Site { https, http, root, stop, done, config }
}

fn client(root: &str, protocols: &[&[u8]]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    TlsConnector::from(Arc::new(client))
}

async fn get<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(
    mut stream: S,
    host: &str,
    path: &str,
) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = Vec::new();
    // A server that is done may end without a farewell of TLS.
    drop(stream.read_to_end(&mut text).await);
    String::from_utf8(text).unwrap()
}

async fn get_over_tls(site: &Site, name: &str, path: &str) -> std::io::Result<String> {
    let stream = TcpStream::connect(site.https).await?;
    let name_of = ServerName::try_from(name.to_owned()).unwrap();
    let stream = client(&site.root, &[b"http/1.1"]).connect(name_of, stream).await?;
    Ok(get(stream, name, path).await)
}

#[tokio::test]
async fn it_serves_what_clients_trust_and_redirects_the_rest() {
    let site = site().await;
    for name in ["localhost", "127.0.0.1"] {
        let text = get_over_tls(&site, name, "/page").await.unwrap();
        assert!(text.starts_with("HTTP/1.1 200") && text.ends_with("hello from /page"), "{text}");
    }
    assert!(get_over_tls(&site, "other.example", "/").await.is_err());
    let plain =
        get(TcpStream::connect(site.http).await.unwrap(), "localhost:80", "/page?x=1").await;
    let location = format!("location: https://localhost:{}/page?x=1\r\n", site.https.port());
    assert!(plain.starts_with("HTTP/1.1 308") && plain.contains(&location), "{plain}");
    site.stop.send(()).unwrap();
    site.done.await.unwrap();
    assert!(TcpStream::connect(site.https).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn clients_get_http_2_when_they_offer_it() {
    let site = site().await;
    let stream = TcpStream::connect(site.https).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = client(&site.root, &[b"h2", b"http/1.1"]).connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
}

#[tokio::test]
async fn a_client_that_says_nothing_keeps_nobody_waiting() {
    let site = site().await;
    let mut silent = Vec::new();
    for _ in 0..64 {
        silent.push(TcpStream::connect(site.https).await.unwrap());
    }
    let mut garbage = TcpStream::connect(site.https).await.unwrap();
    garbage.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(get_over_tls(&site, "localhost", "/").await.unwrap().contains("hello"));
}

#[tokio::test]
async fn a_renewed_certificate_is_served_and_open_connections_go_on() {
    let site = site().await;
    let connector = client(&site.root, &[b"http/1.1"]);
    let connect = async || {
        let stream = TcpStream::connect(site.https).await.unwrap();
        connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap()
    };
    let leaf = |stream: &tokio_rustls::client::TlsStream<TcpStream>| {
        stream.get_ref().1.peer_certificates().unwrap()[0].clone()
    };
    let open = connect().await;
    let old = leaf(&open);
    site.config.renew_cert("localhost").await.unwrap();
    let next = connect().await;
    assert_ne!(leaf(&next), old);
    assert!(get(open, "localhost", "/open").await.ends_with("hello from /open"));
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let taken = tokio::net::TcpListener::bind(LOCAL).await.unwrap();
    let address = taken.local_addr().unwrap();
    let storage = Arc::new(MemoryStorage::new());
    let config = Config::builder(storage).build();
    let options = HttpsOptions { https: address, ..HttpsOptions::default() };
    let error = HttpsServer::bind(&config, options).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&address.to_string()) && text.contains("another program"), "{text}");
}

#[tokio::test]
async fn a_listener_of_its_own_obtains_and_accepts() {
    let storage = Arc::new(MemoryStorage::new());
    let root = InternalIssuer::new(storage.clone()).root().await.unwrap();
    let config = Config::builder(storage.clone()).issuer(InternalIssuer::new(storage)).build();
    let mut listener = TlsListener::listen(&config, ["localhost"], LOCAL.into()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let connecting = tokio::spawn(async move {
        let stream = TcpStream::connect(address).await.unwrap();
        client(&root, &[])
            .connect(ServerName::try_from("localhost").unwrap(), stream)
            .await
            .unwrap()
    });
    let (mut stream, _) = listener.accept().await;
    stream.write_all(b"hi").await.unwrap();
    stream.flush().await.unwrap();
    let mut connected = connecting.await.unwrap();
    let mut text = [0; 2];
    connected.read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"hi");
}

#[tokio::test]
async fn a_handshake_obtains_what_is_allowed() {
    let storage = Arc::new(MemoryStorage::new());
    let root = InternalIssuer::new(storage.clone()).root().await.unwrap();
    let allow = crate::OnDemandConfig::new().allow(["*.example.com"]).unwrap();
    let config = Config::builder(storage.clone())
        .issuer(InternalIssuer::new(storage))
        .on_demand(allow)
        .build();
    let mut options = HttpsOptions::default();
    (options.https, options.http) = (LOCAL.into(), None);
    let server = HttpsServer::bind(&config, options).await.unwrap();
    let https = server.https_addr().unwrap();
    let serving = tokio::spawn(server.serve(Hello, std::future::pending()));
    let connector = client(&root, &[b"http/1.1"]);
    for (name, allowed) in
        [("a.example.com", true), ("b.example.org", false), ("a.example.com", true)]
    {
        let stream = TcpStream::connect(https).await.unwrap();
        let connected = connector.connect(ServerName::try_from(name).unwrap(), stream).await;
        assert_eq!(connected.is_ok(), allowed, "{name}");
    }
    assert_eq!(config.cache().len(), 1);
    serving.abort();
}

#[tokio::test]
async fn a_client_that_sends_no_request_is_let_go() {
    let storage = Arc::new(MemoryStorage::new());
    let root = InternalIssuer::new(storage.clone()).root().await.unwrap();
    let config = Config::builder(storage.clone()).issuer(InternalIssuer::new(storage)).build();
    let header_timeout = std::time::Duration::from_millis(200);
    let options = HttpsOptions {
        https: LOCAL.into(),
        http: Some(LOCAL.into()),
        header_timeout,
        ..HttpsOptions::default()
    };
    let server = HttpsServer::bind(&config, options).await.unwrap();
    let (https, http) = (server.https_addr().unwrap(), server.http_addr().unwrap().unwrap());
    let serving = tokio::spawn(server.serve(Hello, std::future::pending()));
    config.manage(["localhost"]).await.unwrap();
    let mut gone = Vec::new();
    let limit = std::time::Duration::from_secs(10);
    let mut plain = TcpStream::connect(http).await.unwrap();
    let ended = tokio::time::timeout(limit, plain.read_to_end(&mut gone)).await;
    assert!(ended.is_ok(), "plain HTTP");
    for protocol in [&b"http/1.1"[..], b"h2"] {
        let stream = TcpStream::connect(https).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = client(&root, &[protocol]).connect(name, stream).await.unwrap();
        // An end with or without a farewell of TLS.
        let ended = tokio::time::timeout(limit, stream.read_to_end(&mut gone)).await;
        assert!(ended.is_ok(), "{}", String::from_utf8_lossy(protocol));
    }
    serving.abort();
}

/// Has one certificate, at once.
#[derive(Debug)]
struct Elsewhere(crate::Certificate);

#[async_trait::async_trait]
impl crate::CertificateSource for Elsewhere {
    async fn certificate(
        &self,
        hello: &crate::Hello<'_>,
    ) -> crate::Result<Option<crate::Certificate>> {
        Ok((hello.name == Some("theirs.example")).then(|| self.0.clone()))
    }
}

#[tokio::test]
async fn what_a_source_gives_is_shown_to_who_asked() {
    let theirs = InternalIssuer::new(Arc::new(MemoryStorage::new()));
    let certificate = theirs.obtain("theirs.example", &|_| true).await.unwrap();
    let storage = Arc::new(MemoryStorage::new());
    let config = Config::builder(storage.clone())
        .issuer(InternalIssuer::new(storage))
        .source(Elsewhere(certificate))
        .build();
    let mut listener = TlsListener::listen(&config, ["localhost"], LOCAL.into()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = tokio::spawn(async move {
        loop {
            drop(listener.accept().await);
        }
    });
    let connector = client(&theirs.root().await.unwrap(), &[]);
    for (name, shown) in [("theirs.example", true), ("localhost", false), ("other.example", false)]
    {
        let stream = TcpStream::connect(address).await.unwrap();
        let connected = connector.connect(ServerName::try_from(name).unwrap(), stream).await;
        assert_eq!(connected.is_ok(), shown, "{name}");
    }
    accepting.abort();
}
