use std::time::UNIX_EPOCH;

use certstore_core::{ErrorKind, Key, Locker as _, MemoryStorage};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use super::*;
use crate::Error;
use crate::test_clock::SetClock;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_900_000_000)
}

fn issuer(storage: &Arc<MemoryStorage>, clock: &Arc<SetClock>) -> InternalIssuer {
    InternalIssuer::new(storage.clone()).with_clock(clock.clone())
}

/// As a client does that trusts the root.
fn verify(
    certificate: &Certificate,
    root: &str,
    name: &str,
    at: SystemTime,
) -> Result<(), rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(root.as_bytes()).expect("a root")).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .expect("a verifier");
    let chain = &certificate.certified_key().cert;
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let now = UnixTime::since_unix_epoch(at.duration_since(UNIX_EPOCH).expect("after 1970"));
    verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], now).map(drop)
}

#[tokio::test]
async fn clients_that_trust_the_root_trust_its_certificates() {
    let (storage, clock) = (Arc::new(MemoryStorage::new()), SetClock::at(start()));
    let issuer = issuer(&storage, &clock);
    let root = issuer.root().await.unwrap();
    for (subject, name) in [
        ("localhost", "localhost"),
        ("*.example.com", "www.example.com"),
        ("127.0.0.1", "127.0.0.1"),
        ("2001:db8::1", "2001:db8::1"),
    ] {
        let made = issuer.obtain(subject, &|_| true).await.unwrap();
        verify(&made, &root, name, start()).unwrap();
        assert_eq!(made.names(), [subject]);
        assert_eq!(made.issuer(), Some("local"));
        assert_eq!(issuer.load(subject).await.unwrap(), Some(made.clone()));
        assert!(verify(&made, &root, "other.example", start()).is_err());
        assert!(verify(&made, &root, name, made.not_after() + DAY).is_err());
    }
    // A client whose clock is behind.
    let made = issuer.obtain("localhost", &|_| true).await.unwrap();
    verify(&made, &root, "localhost", start() - Duration::from_secs(3000)).unwrap();
}

#[tokio::test]
async fn a_fleet_has_one_authority_and_one_certificate() {
    let (storage, clock) = (Arc::new(MemoryStorage::new()), SetClock::at(start()));
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let issuer = issuer(&storage, &clock);
        tasks.push(tokio::spawn(async move {
            let made = issuer.obtain("localhost", &|_| true).await.unwrap();
            (made.hash().to_owned(), issuer.root().await.unwrap())
        }));
    }
    let mut made = Vec::new();
    for task in tasks {
        made.push(task.await.unwrap());
    }
    made.dedup();
    assert_eq!(made.len(), 1, "every node has the same");
    assert!(storage.locks().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_not_good_or_has_expired_is_replaced() {
    let (storage, clock) = (Arc::new(MemoryStorage::new()), SetClock::at(start()));
    let issuer = issuer(&storage, &clock);
    let first = issuer.obtain("localhost", &|_| true).await.unwrap();
    assert_eq!(issuer.obtain("localhost", &|_| true).await.unwrap(), first);
    let second = issuer.obtain("localhost", &|found| *found != first).await.unwrap();
    assert_ne!(second, first);
    clock.advance(DAY);
    let third = issuer.obtain("localhost", &|_| true).await.unwrap();
    assert_ne!(third, second);
    assert!(!third.has_expired(clock.wall()));
}

#[tokio::test]
async fn an_intermediate_is_renewed_in_time_and_the_root_stays() {
    let (storage, clock) = (Arc::new(MemoryStorage::new()), SetClock::at(start()));
    let issuer = issuer(&storage, &clock);
    let root = issuer.root().await.unwrap();
    let mut intermediates = Vec::new();
    for _ in 0..30 {
        let made = issuer.obtain("localhost", &|_| false).await.unwrap();
        verify(&made, &root, "localhost", clock.wall()).unwrap();
        verify(&made, &root, "localhost", clock.wall() + LEAF_LIFETIME).unwrap();
        intermediates.push(made.certified_key().cert[1].clone());
        clock.advance(DAY);
    }
    intermediates.dedup();
    assert!((5..=8).contains(&intermediates.len()), "{} in 30 days", intermediates.len());
    assert_eq!(issuer.root().await.unwrap(), root);
}

#[tokio::test]
async fn no_certificate_outlives_its_intermediate() {
    let (storage, clock) = (Arc::new(MemoryStorage::new()), SetClock::at(start()));
    let issuer = issuer(&storage, &clock).with_lifetime(400 * DAY);
    let root = issuer.root().await.unwrap();
    let made = issuer.obtain("localhost", &|_| true).await.unwrap();
    assert!(made.not_after() <= start() + 7 * DAY);
    verify(&made, &root, "localhost", made.not_after()).unwrap();
}

#[tokio::test]
async fn a_root_near_its_end_is_replaced() {
    let (storage, clock) = (Arc::new(MemoryStorage::new()), SetClock::at(start()));
    let issuer = issuer(&storage, &clock);
    let root = issuer.root().await.unwrap();
    clock.advance(3_597 * DAY);
    let made = issuer.obtain("localhost", &|_| true).await.unwrap();
    let next = issuer.root().await.unwrap();
    assert_ne!(next, root);
    verify(&made, &next, "localhost", clock.wall()).unwrap();
}

/// What Caddy 2.6.2 left.
const CADDY: [(&str, &str); 4] = [
    ("root.crt", include_str!("../../../tests/fixtures/caddy-pki/root.crt")),
    ("root.key", include_str!("../../../tests/fixtures/caddy-pki/root.key")),
    ("intermediate.crt", include_str!("../../../tests/fixtures/caddy-pki/intermediate.crt")),
    ("intermediate.key", include_str!("../../../tests/fixtures/caddy-pki/intermediate.key")),
];

async fn caddy(storage: &MemoryStorage, but: &str) -> SystemTime {
    for (file, text) in CADDY.iter().filter(|(file, _)| *file != but) {
        let key = Key::new(&format!("pki/authorities/local/{file}")).unwrap();
        storage.store(&key, text.as_bytes()).await.unwrap();
    }
    let intermediate = CertificateDer::from_pem_slice(CADDY[2].1.as_bytes()).unwrap();
    crate::certificate::validity(&intermediate).unwrap().0
}

#[tokio::test]
async fn caddys_authority_goes_on() {
    let storage = Arc::new(MemoryStorage::new());
    let clock = SetClock::at(caddy(&storage, "").await + DAY);
    let issuer = issuer(&storage, &clock);
    assert_eq!(issuer.root().await.unwrap(), CADDY[0].1);
    let made = issuer.obtain("localhost", &|_| true).await.unwrap();
    let intermediate = CertificateDer::from_pem_slice(CADDY[2].1.as_bytes()).unwrap();
    assert_eq!(made.certified_key().cert[1], intermediate);
    verify(&made, CADDY[0].1, "localhost", clock.wall()).unwrap();
    // Its intermediate ends; its root signs the next.
    clock.advance(10 * DAY);
    let made = issuer.obtain("localhost", &|_| true).await.unwrap();
    assert_ne!(made.certified_key().cert[1], intermediate);
    verify(&made, CADDY[0].1, "localhost", clock.wall()).unwrap();
}

#[tokio::test]
async fn what_is_missing_or_damaged_is_named() {
    let storage = Arc::new(MemoryStorage::new());
    let clock = SetClock::at(caddy(&storage, "root.key").await + DAY);
    let issuer = issuer(&storage, &clock);
    issuer.root().await.unwrap();
    clock.advance(10 * DAY);
    let Err(Error::Storage(error)) = issuer.root().await else { panic!("the root cannot sign") };
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("root.key"), "{error}");

    let storage = Arc::new(MemoryStorage::new());
    caddy(&storage, "intermediate.key").await;
    let key = Key::new("pki/authorities/local/intermediate.key").unwrap();
    storage.store(&key, CADDY[1].1.as_bytes()).await.unwrap();
    let issuer = self::issuer(&storage, &clock);
    let Err(Error::Storage(error)) = issuer.root().await else { panic!("another's key") };
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("intermediate"), "{error}");
    assert!(!format!("{error:?} {issuer:?}").contains("BEGIN"));
}

#[tokio::test]
async fn a_damaged_certificate_is_replaced_and_says_so() {
    let (storage, clock) = (Arc::new(MemoryStorage::new()), SetClock::at(start()));
    let issuer = issuer(&storage, &clock);
    let first = issuer.obtain("localhost", &|_| true).await.unwrap();
    let keys = BundleKeys::new("local", "localhost").unwrap();
    storage.store(keys.private_key(), b"no key").await.unwrap();
    assert_eq!(issuer.load("localhost").await.unwrap(), None);
    let second = issuer.obtain("localhost", &|_| true).await.unwrap();
    assert_ne!(second, first);
    assert_eq!(issuer.load("localhost").await.unwrap(), Some(second));
}

#[cfg(feature = "rsa")]
#[tokio::test]
async fn rsa_is_for_clients_that_know_nothing_else() {
    let (storage, clock) = (Arc::new(MemoryStorage::new()), SetClock::at(start()));
    let issuer = issuer(&storage, &clock).with_key_type(KeyType::Rsa);
    issuer.obtain("localhost", &|_| true).await.unwrap();
    let keys = BundleKeys::new("local", "localhost").unwrap();
    let pem = storage.load(keys.private_key()).await.unwrap();
    let key = PrivateKey::from_pem(std::str::from_utf8(&pem).unwrap()).unwrap();
    assert_eq!(key.kind(), KeyType::Rsa);
}

#[cfg(not(feature = "rsa"))]
#[tokio::test]
async fn rsa_is_refused_before_anything_is_stored() {
    let (storage, clock) = (Arc::new(MemoryStorage::new()), SetClock::at(start()));
    let issuer = issuer(&storage, &clock).with_key_type(KeyType::Rsa);
    let error = issuer.obtain("localhost", &|_| true).await.unwrap_err();
    assert!(
        matches!(error, Error::Storage(ref error) if error.kind() == ErrorKind::Unsupported),
        "{error:?}"
    );
    assert_eq!(issuer.load("localhost").await.unwrap(), None);
}
