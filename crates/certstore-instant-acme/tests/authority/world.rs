//! A CA, and a storage whose answers to its challenges are served.

use std::sync::Arc;

use certstore_conformance::servers::Pebble;
use certstore_core::{MemoryStorage, Storage};
use certstore_instant_acme::{
    AccountStore, Ca, Certificate, Issuance, Names, Obtained, StoredChallenges,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::obtain::serve_challenges;

pub(crate) const NAME: &str = "a.example";

pub(crate) struct World {
    pub(crate) pebble: Pebble,
    pub(crate) storage: Arc<dyn Storage>,
    front: AbortHandle,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::at(Pebble::start().expect("Pebble starts")).await
    }

    pub(crate) async fn at(pebble: Pebble) -> Self {
        let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
        let listener = TcpListener::bind(("127.0.0.1", pebble.http_port())).await;
        let ca = Ca::new(pebble.directory());
        let serving = serve_challenges(listener.expect("the port is free"), storage.clone(), ca);
        let front = tokio::spawn(serving).abort_handle();
        Self { pebble, storage, front }
    }

    pub(crate) fn ca(&self) -> Ca {
        Ca::new(self.pebble.directory()).with_root(self.pebble.api_root())
    }

    pub(crate) fn issuance(&self) -> Issuance {
        self.issuance_at(self.ca())
    }

    pub(crate) fn issuance_at(&self, ca: Ca) -> Issuance {
        let responder = Arc::new(StoredChallenges::new(self.storage.clone(), &ca));
        let accounts = AccountStore::new(self.storage.clone(), ca).expect("the CA gives keys");
        Issuance::new(Arc::new(accounts), responder)
    }

    /// Obtains one for [`NAME`].
    pub(crate) async fn obtain(&self) -> Obtained {
        self.issuance().obtain(&names()).await.expect("a certificate is obtained")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.front.abort();
    }
}

pub(crate) fn names() -> Names {
    Names::new([NAME]).expect("it is a name")
}

/// The DER of the certificate itself.
pub(crate) fn leaf(of: &Certificate) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(of.bundle().chain().as_bytes()).expect("it is PEM")
}

/// The serial number in hexadecimal digits.
pub(crate) fn serial(of: &Certificate) -> String {
    let leaf = leaf(of);
    let (_, parsed) = X509Certificate::from_der(&leaf).expect("it is a certificate");
    parsed.raw_serial().iter().map(|byte| format!("{byte:02x}")).collect()
}
