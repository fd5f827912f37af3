//! An endpoint with TLS: whose certificate is trusted, and what is said of one that is not.

use std::path::PathBuf;
use std::sync::Arc;

use certstore_core::{ErrorKind, Storage as _};
use certstore_s3::S3Storage;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::rig::{Rig, key, open, refused, soon};

/// Takes TLS off what goes to a server, with a certificate for `name`. Ends with the runtime.
struct Terminator {
    port: u16,
    /// The authority's certificate.
    ca: PathBuf,
}

impl Terminator {
    async fn before(server: &str, name: &str) -> Self {
        let ca_key = KeyPair::generate().expect("the test can go on");
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_pem = ca.self_signed(&ca_key).expect("the test can go on").pem();
        let issuer = Issuer::new(ca, ca_key);
        let pair = KeyPair::generate().expect("the test can go on");
        let certificate = CertificateParams::new([name.to_owned()])
            .expect("the test can go on")
            .signed_by(&pair, &issuer)
            .expect("the test can go on");
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pair.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the test can go on")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .expect("the test can go on");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("the test can go on");
        let port = listener.local_addr().expect("the test can go on").port();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let ca = folder.join(format!("s3-ca-{}-{port}.pem", std::process::id()));
        std::fs::write(&ca, ca_pem).expect("the test can go on");
        let server = server.strip_prefix("http://").expect("the test can go on").to_owned();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("the test can go on");
                let (acceptor, server) = (acceptor.clone(), server.clone());
                tokio::spawn(async move {
                    // A client that does not trust the certificate goes away.
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut behind = TcpStream::connect(server).await.expect("the test can go on");
                    drop(tokio::io::copy_bidirectional(&mut stream, &mut behind).await);
                });
            }
        });
        Self { port, ca }
    }
}

impl Drop for Terminator {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.ca));
    }
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_when_it_is_named() {
    let rig = Rig::start();
    let tls = Terminator::before(&rig.server.endpoint(), "localhost").await;
    let mut config = rig.config();
    config.endpoint = Some(format!("https://localhost:{}", tls.port));
    config.ca_cert = Some(tls.ca.clone());
    let storage = open(&config).await;
    storage.store(&key("a"), b"value").await.unwrap();
    assert_eq!(storage.load(&key("a")).await.unwrap(), "value");
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_told() {
    let rig = Rig::start();
    let tls = Terminator::before(&rig.server.endpoint(), "localhost").await;
    let mut config = rig.config();
    config.endpoint = Some(format!("https://localhost:{}", tls.port));
    let error = refused(soon(S3Storage::open(&config)).await, ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("certificate is not trusted"), "{error}");
    assert_eq!(rig.server.requests().total(), 0);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_told() {
    let rig = Rig::start();
    let tls = Terminator::before(&rig.server.endpoint(), "elsewhere.example").await;
    let mut config = rig.config();
    config.endpoint = Some(format!("https://localhost:{}", tls.port));
    config.ca_cert = Some(tls.ca.clone());
    let error = refused(soon(S3Storage::open(&config)).await, ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("certificate"), "{error}");
    assert_eq!(rig.server.requests().total(), 0);
}
