use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use certstore_conformance::Gate;
use certstore_core::{Storage as _, StorageKeys};
use certstore_instant_acme::{AlpnAnswer, Ca, StoredChallenges};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::{ACME_TLS_ALPN, Certificate, Good, Issuer, TlsListener, tls_config};

/// As Caddy writes them.
const OF_CADDY: &str = r#"{"type":"tls-alpn-01","url":"https://ca.example/chalZ/1","status":"pending","token":"tok","keyAuthorization":"tok.thumb","identifier":{"type":"dns","value":"a.example"}}"#;
const ADDRESS_OF_CADDY: &str = r#"{"type":"tls-alpn-01","url":"https://ca.example/chalZ/2","status":"pending","token":"tok","keyAuthorization":"tok.thumb","identifier":{"type":"ip","value":"192.0.2.1"}}"#;

/// An issuer that answers from the storage, and counts how often it is asked.
#[derive(Debug)]
struct Counting {
    name: &'static str,
    stored: StoredChallenges,
    asked: Arc<AtomicUsize>,
}

impl Counting {
    fn new(name: &'static str, storage: &Arc<Gate>, asked: &Arc<AtomicUsize>) -> Self {
        let ca = Ca::new(format!("https://{name}/dir"));
        let stored = StoredChallenges::new(storage.clone(), &ca);
        Self { name, stored, asked: asked.clone() }
    }
}

#[async_trait]
impl Issuer for Counting {
    fn name(&self) -> &str {
        self.name
    }

    async fn load(&self, _: &str) -> Result<Option<Certificate>> {
        Ok(None)
    }

    async fn obtain(&self, name: &str, _: Good<'_>) -> Result<Certificate> {
        Err(crate::Error::Refused { name: name.to_owned(), why: "it gives none" })
    }

    async fn alpn_challenge_answer(&self, server_name: &str) -> Result<Option<AlpnAnswer>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.stored.alpn_answer(server_name).await?)
    }

    async fn http_challenge_answer(&self, host: &str, path: &str) -> Result<Option<String>> {
        Ok(self.stored.http_answer(host, path).await?)
    }
}

/// Takes whatever is shown, as a CA does that only looks at the challenge.
#[derive(Debug)]
struct Anything;

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}

struct Node {
    storage: Arc<Gate>,
    config: Config,
    address: std::net::SocketAddr,
    read: Arc<AtomicUsize>,
    _task: tokio::task::JoinHandle<()>,
}

impl Node {
    async fn start() -> Self {
        let (storage, read) = (Gate::new(), Arc::new(AtomicUsize::new(0)));
        let config = Config::builder(storage.clone())
            .issuer(Counting::new("ca.example", &storage, &read))
            .issuer(Counting::new("other.example", &storage, &read))
            .build();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("it listens");
        let tls = tls_config(Arc::clone(config.cache()), None);
        let mut listener = TlsListener::new(listener, &config, tls);
        let _task = tokio::spawn(async move {
            loop {
                listener.accept().await;
            }
        });
        Self { storage, config, address, read, _task }
    }

    async fn store(&self, name: &str, json: &str) {
        self.store_of("ca.example-dir", name, json).await;
    }

    async fn store_of(&self, issuer: &str, name: &str, json: &str) {
        let key = StorageKeys::challenge_token(issuer, name).expect("a key");
        self.storage.store(&key, json.as_bytes()).await.expect("it is stored");
    }

    async fn meet(&self, name: &str, alpn: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
        let mut client = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has suites")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anything))
            .with_no_client_auth();
        client.alpn_protocols = alpn.iter().map(|one| one.to_vec()).collect();
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let stream = TcpStream::connect(self.address).await?;
        TlsConnector::from(Arc::new(client)).connect(name, stream).await
    }

    /// The certificate that a CA is shown.
    async fn answer(&self, name: &str) -> Option<Vec<u8>> {
        let met = self.meet(name, &[ACME_TLS_ALPN]).await.ok()?;
        let session = met.get_ref().1;
        assert_eq!(session.alpn_protocol(), Some(ACME_TLS_ALPN));
        session.peer_certificates().map(|chain| chain[0].to_vec())
    }

    fn reads(&self) -> usize {
        self.read.load(Ordering::SeqCst)
    }
}

/// Whether a certificate has this digest in the extension of RFC 8737.
fn bears(certificate: &[u8], digest: &[u8]) -> bool {
    let whole = [&[4, 34, 4, 32], digest].concat();
    certificate.windows(whole.len()).any(|part| part == whole)
}

#[tokio::test]
async fn a_listener_answers_a_challenge_that_caddy_has_stored() {
    let node = Node::start().await;
    let digest = certstore_instant_acme::KeyAuthorization::new("tok.thumb").digest();
    let reverse = "1.2.0.192.in-addr.arpa";
    node.store("a.example", OF_CADDY).await;
    node.store(reverse, ADDRESS_OF_CADDY).await;
    for name in ["a.example", reverse] {
        let shown = node.answer(name).await.unwrap();
        assert!(bears(&shown, &digest), "{name}");
    }
    let parsed = node.answer(reverse).await.unwrap();
    assert!(parsed.windows(4).any(|part| part == [192, 0, 2, 1]), "it is for the address");
    assert!(node.answer("b.example").await.is_none());
    node.store("a.example", &OF_CADDY.replace("tls-alpn-01", "http-01")).await;
    assert!(node.answer("a.example").await.is_none());
}

#[tokio::test]
async fn an_answer_that_an_order_has_left_in_memory_hides_none_that_came_since() {
    let node = Node::start().await;
    let digest = |text| certstore_instant_acme::KeyAuthorization::new(text).digest();
    let left = alpn_challenge_certificate("a.example", &digest("old.thumb")).unwrap();
    node.config.cache().set_alpn_challenge("a.example", Arc::new(left)).unwrap();
    assert!(bears(&node.answer("a.example").await.unwrap(), &digest("old.thumb")));
    node.store("a.example", OF_CADDY).await;
    assert!(bears(&node.answer("a.example").await.unwrap(), &digest("tok.thumb")));
    // Better than nothing while the storage is away.
    node.storage.go_away();
    assert!(bears(&node.answer("a.example").await.unwrap(), &digest("old.thumb")));
}

#[tokio::test]
async fn garbage_and_a_storage_that_is_away_refuse_the_handshake_and_nothing_more() {
    let node = Node::start().await;
    node.store("a.example", "no challenge").await;
    assert!(node.answer("a.example").await.is_none());
    node.store("a.example", &OF_CADDY.replace("a.example", "no name")).await;
    assert!(node.answer("a.example").await.is_none());
    node.store("a.example", OF_CADDY).await;
    node.storage.go_away();
    assert!(node.answer("a.example").await.is_none());
    node.storage.come_back();
    assert!(node.answer("a.example").await.is_some());
}

#[tokio::test]
async fn garbage_of_one_issuer_does_not_hide_what_another_has() {
    let node = Node::start().await;
    node.store("a.example", "no challenge").await;
    node.store_of("other.example-dir", "a.example", OF_CADDY).await;
    assert!(node.answer("a.example").await.is_some());
    let path = format!("{HTTP_CHALLENGE_PATH}tok");
    let asked = || node.config.http_challenge_answer("a.example", &path);
    assert!(asked().await.is_err(), "the storage has what nobody can read");
    let http = OF_CADDY.replace("tls-alpn-01", "http-01");
    node.store_of("other.example-dir", "a.example", &http).await;
    assert_eq!(asked().await.unwrap().as_deref(), Some("tok.thumb"));
}

#[tokio::test]
async fn only_who_offers_nothing_but_acme_tls_makes_it_read_the_storage() {
    let node = Node::start().await;
    node.store("a.example", OF_CADDY).await;
    for alpn in [&[&b"h2"[..]][..], &[], &[ACME_TLS_ALPN, b"h2"], &[b"h2", ACME_TLS_ALPN]] {
        assert!(node.meet("a.example", alpn).await.is_err(), "there is no certificate");
    }
    // Names nothing.
    assert!(node.meet("192.0.2.1", &[ACME_TLS_ALPN]).await.is_err());
    assert_eq!(node.reads(), 0);
    assert!(node.answer("a.example").await.is_some());
    assert_eq!(node.reads(), 1, "the first issuer has it");
}

/// An issuer whose storage never answers, and that counts who waits.
#[derive(Debug)]
struct Hanging(Arc<AtomicUsize>);

#[async_trait]
impl Issuer for Hanging {
    fn name(&self) -> &str {
        "ca.example-dir"
    }

    async fn load(&self, _: &str) -> Result<Option<Certificate>> {
        Ok(None)
    }

    async fn obtain(&self, name: &str, _: Good<'_>) -> Result<Certificate> {
        Err(crate::Error::Refused { name: name.to_owned(), why: "it gives none" })
    }

    async fn alpn_challenge_answer(&self, _: &str) -> Result<Option<AlpnAnswer>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::future::pending().await
    }

    async fn http_challenge_answer(&self, _: &str, _: &str) -> Result<Option<String>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_hangs_holds_few_handshakes_and_not_for_long() {
    let asked = Arc::new(AtomicUsize::new(0));
    let clock = crate::test_clock::TokioClock::starting(std::time::SystemTime::UNIX_EPOCH);
    let config = Config::builder(Gate::new()).clock(clock).issuer(Hanging(asked.clone())).build();
    let begun = tokio::time::Instant::now();
    let handshakes = (0..100).map(|_| config.stored_alpn_challenge("a.example"));
    let answers = futures_util::future::join_all(handshakes).await;
    assert!(answers.iter().all(Option::is_none));
    assert_eq!((begun.elapsed(), asked.load(Ordering::SeqCst)), (STORAGE_LIMIT, READERS));
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_hangs_holds_few_requests_and_not_for_long() {
    let asked = Arc::new(AtomicUsize::new(0));
    let clock = crate::test_clock::TokioClock::starting(std::time::SystemTime::UNIX_EPOCH);
    let config = Config::builder(Gate::new()).clock(clock).issuer(Hanging(asked.clone())).build();
    let (begun, path) = (tokio::time::Instant::now(), format!("{HTTP_CHALLENGE_PATH}token"));
    let requests = (0..100).map(|_| config.http_challenge_answer("a.example", &path));
    let answers = futures_util::future::join_all(requests).await;
    for answer in answers {
        let Err(crate::Error::Storage(error)) = answer else { panic!("{answer:?}") };
        assert!(error.is_retryable(), "{error}");
    }
    assert_eq!((begun.elapsed(), asked.load(Ordering::SeqCst)), (STORAGE_LIMIT, READERS));
}
