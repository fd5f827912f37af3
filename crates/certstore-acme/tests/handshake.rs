//! Handshakes of real rustls clients, in memory.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use certstore_acme::{
    ACME_TLS_ALPN, Cache, Certificate, Resolver, TicketKeys, TicketOptions,
    alpn_challenge_certificate, tls_config,
};
use certstore_core::{Clock, MemoryStorage, Sleep, Storage, SystemClock};
use rcgen::{CertificateParams, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, HandshakeKind, ServerConfig,
    ServerConnection, SignatureScheme, SupportedProtocolVersion,
};

/// The extension that RFC 8737 has in the certificate of a challenge: id-pe-acmeIdentifier.
const ACME_IDENTIFIER: &[u8] = &[0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x1f];

fn certificate(names: &[&str]) -> Certificate {
    let key = KeyPair::generate().expect("the test can go on");
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let chain = CertificateParams::new(names)
        .expect("the test can go on")
        .self_signed(&key)
        .expect("the test can go on");
    Certificate::from_pem(&chain.pem(), &key.serialize_pem()).expect("the test can go on")
}

fn leaf(certificate: &Certificate) -> CertificateDer<'static> {
    certificate.certified_key().cert[0].clone()
}

/// Trusts whoever signs with the key of what it shows: which certificate is shown is what is tested. One that stands for a CA
/// takes the signature as read, since webpki knows no certificates of challenges.
#[derive(Debug)]
struct Anybody {
    is_ca: bool,
}

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.is_ca {
            return Ok(HandshakeSignatureValid::assertion());
        }
        let known = default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.is_ca {
            return Ok(HandshakeSignatureValid::assertion());
        }
        let known = default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}

fn client(version: &'static SupportedProtocolVersion, alpn: &[&[u8]]) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let verifier = Anybody { is_ca: alpn.contains(&ACME_TLS_ALPN) };
    let mut config = builder
        .with_protocol_versions(&[version])
        .expect("the test can go on")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|one| one.to_vec()).collect();
    Arc::new(config)
}

/// What a client got.
struct Met {
    leaf: Option<CertificateDer<'static>>,
    alpn: Option<Vec<u8>>,
    kind: HandshakeKind,
}

/// A handshake, and what the server sends behind it: tickets.
fn meet(server: &Arc<ServerConfig>, client: &Arc<ClientConfig>, name: &str) -> Result<Met, Error> {
    let name = ServerName::try_from(name.to_owned()).expect("the test can go on");
    let mut client = ClientConnection::new(Arc::clone(client), name)?;
    let mut server = ServerConnection::new(Arc::clone(server))?;
    while client.wants_write() || server.wants_write() {
        let mut sent = Vec::new();
        client.write_tls(&mut sent).expect("the test can go on");
        server.read_tls(&mut &sent[..]).expect("the test can go on");
        server.process_new_packets()?;
        let mut sent = Vec::new();
        server.write_tls(&mut sent).expect("the test can go on");
        client.read_tls(&mut &sent[..]).expect("the test can go on");
        client.process_new_packets()?;
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    Ok(Met {
        leaf: client.peer_certificates().map(|chain| chain[0].clone().into_owned()),
        alpn: client.alpn_protocol().map(<[u8]>::to_vec),
        kind: client.handshake_kind().expect("the test can go on"),
    })
}

#[test]
fn each_name_is_served_its_own() {
    let cache = Arc::new(Cache::new());
    let (own, wildcard) = (certificate(&["www.example.com"]), certificate(&["*.example.com"]));
    let address = certificate(&["192.0.2.1"]);
    for certificate in [&own, &wildcard, &address] {
        cache.insert(certificate.clone());
    }
    let server = Arc::new(tls_config(Arc::clone(&cache), None));
    for version in [&TLS12, &TLS13] {
        let client = client(version, &[b"http/1.1", b"h2"]);
        let www = meet(&server, &client, "WWW.example.com").unwrap();
        assert_eq!(www.leaf, Some(leaf(&own)));
        assert_eq!(www.alpn.as_deref(), Some(&b"h2"[..]));
        assert_eq!(meet(&server, &client, "a.example.com").unwrap().leaf, Some(leaf(&wildcard)));
        assert!(meet(&server, &client, "a.example.org").is_err());
        assert!(meet(&server, &client, "192.0.2.1").is_err(), "the address is not known");
        let resolver = Resolver::new(Arc::clone(&cache)).at([192, 0, 2, 1].into());
        let mut there = ServerConfig::clone(&server);
        there.cert_resolver = Arc::new(resolver);
        let there = Arc::new(there);
        assert_eq!(meet(&there, &client, "192.0.2.1").unwrap().leaf, Some(leaf(&address)));
        // A certificate that is replaced is there for the next handshake.
        let renewed = certificate(&["www.example.com"]);
        cache.replace(own.hash(), renewed.clone());
        assert_eq!(
            meet(&server, &self::client(version, &[]), "www.example.com").unwrap().leaf,
            Some(leaf(&renewed))
        );
        cache.replace(renewed.hash(), own.clone());
    }
}

#[test]
fn a_ca_that_checks_gets_the_challenge_and_nobody_else_does() {
    let cache = Arc::new(Cache::new());
    let ordinary = certificate(&["example.com", "other.example"]);
    cache.insert(ordinary.clone());
    let challenge = Arc::new(alpn_challenge_certificate("example.com", &[7; 32]).unwrap());
    cache.set_alpn_challenge("example.com", Arc::clone(&challenge)).unwrap();
    let address = Arc::new(alpn_challenge_certificate("192.0.2.1", &[8; 32]).unwrap());
    cache.set_alpn_challenge("192.0.2.1", Arc::clone(&address)).unwrap();
    let server = Arc::new(tls_config(Arc::clone(&cache), None));
    for version in [&TLS12, &TLS13] {
        let ca = client(version, &[ACME_TLS_ALPN]);
        let met = meet(&server, &ca, "example.com").unwrap();
        assert_eq!(met.alpn.as_deref(), Some(ACME_TLS_ALPN));
        let shown = met.leaf.unwrap();
        assert_eq!(shown, challenge.cert[0]);
        let public = challenge.key.public_key().unwrap();
        assert!(shown.windows(public.len()).any(|part| part == &public[..]), "its own key");
        // Critical, and an OCTET STRING of 32 bytes in the value.
        let extension = [ACME_IDENTIFIER, &[1, 1, 0xff, 4, 34, 4, 32], &[7; 32]].concat();
        assert!(shown.windows(extension.len()).any(|part| part == extension));
        let reverse = meet(&server, &ca, "1.2.0.192.in-addr.arpa").unwrap();
        assert_eq!(reverse.leaf, Some(address.cert[0].clone()));
        assert!(meet(&server, &ca, "other.example").is_err(), "there is no challenge for it");
        assert!(meet(&server, &ca, "192.0.2.1").is_err(), "it names nothing");
        for mixed in [&[ACME_TLS_ALPN, b"h2"][..], &[b"h2", ACME_TLS_ALPN], &[ACME_TLS_ALPN, b"x"]]
        {
            assert!(meet(&server, &client(version, mixed), "example.com").is_err(), "{mixed:?}");
        }
        for alpn in [&[b"h2"][..], &[]] {
            let alpn: Vec<&[u8]> = alpn.iter().map(|one| &one[..]).collect();
            let met = meet(&server, &client(version, &alpn), "example.com").unwrap();
            assert_eq!(met.leaf, Some(leaf(&ordinary)));
        }
    }
    assert!(cache.remove_alpn_challenge("example.com"));
    assert!(meet(&server, &client(&TLS13, &[ACME_TLS_ALPN]), "example.com").is_err());
}

/// Its wall clock and boottime are ahead of the machine's by as much as a test says.
#[derive(Debug, Default)]
struct Ahead(std::sync::Mutex<Duration>);

impl Ahead {
    fn by(&self) -> Duration {
        *self.0.lock().expect("the test can go on")
    }
}

impl Clock for Ahead {
    fn boottime(&self) -> Duration {
        SystemClock.boottime() + self.by()
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic() + self.by()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now() + self.by()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        SystemClock.sleep(duration)
    }
}

#[tokio::test]
async fn a_session_is_resumed_by_another_node() {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let clock = Arc::new(Ahead::default());
    let cache = Arc::new(Cache::new());
    cache.insert(certificate(&["example.com", "other.example"]));
    let mut nodes = Vec::new();
    for _ in 0..2 {
        let options = TicketOptions::default();
        let keys = TicketKeys::with_clock(Arc::clone(&storage), options, clock.clone()).unwrap();
        keys.refresh().await.unwrap();
        nodes.push((Arc::new(tls_config(Arc::clone(&cache), Some(Arc::clone(&keys)))), keys));
    }
    let alone = Arc::new(tls_config(Arc::clone(&cache), None));
    for version in [&TLS12, &TLS13] {
        let client = client(version, &[b"h2"]);
        let kind = |node: &Arc<ServerConfig>| meet(node, &client, "example.com").unwrap().kind;
        assert_eq!(kind(&nodes[0].0), HandshakeKind::Full);
        assert_eq!(kind(&nodes[1].0), HandshakeKind::Resumed);
        assert_eq!(kind(&nodes[0].0), HandshakeKind::Resumed);
        assert_eq!(meet(&nodes[0].0, &client, "other.example").unwrap().kind, HandshakeKind::Full);
        // The key is older than every one that is kept: the tickets it sealed are worth nothing.
        let later = clock.by() + Duration::from_secs(7 * 24 * 3600);
        *clock.0.lock().unwrap() = later;
        for (_, keys) in &nodes {
            keys.refresh().await.unwrap();
        }
        assert_eq!(kind(&nodes[1].0), HandshakeKind::Full);
        assert_eq!(kind(&nodes[0].0), HandshakeKind::Resumed);
        assert_eq!(kind(&alone), HandshakeKind::Full, "it has no part in the keys");
    }
}
