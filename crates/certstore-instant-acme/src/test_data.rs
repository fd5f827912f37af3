//! Certificates, and a CA that is not reached, for tests.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use certstore::bundle::BundleMetadata;
use http::Request;
use instant_acme::{Account, BodyWrapper, BytesResponse, HttpClient};
use rcgen::{CertificateParams, KeyPair};
use tokio::sync::Notify;

use crate::{Ca, Certificate, Names};

/// When those of [`certificate`] begin to be valid.
pub(crate) const START: u64 = 1_700_000_000;
pub(crate) const DAY: u64 = 86_400;

pub(crate) fn names() -> Names {
    Names::new(["a.example"]).unwrap()
}

/// Valid for 90 days from [`START`].
pub(crate) fn certificate(names: &Names) -> Certificate {
    valid(names, at(0), at(90))
}

/// Valid for 90 days, of which most are left, or are over.
pub(crate) fn fresh_or_old(names: &Names, fresh: bool) -> Certificate {
    let day = Duration::from_secs(DAY);
    let start = SystemTime::now() - day * if fresh { 1 } else { 80 };
    valid(names, start, start + day * 90)
}

pub(crate) fn at(day: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(START + day * DAY)
}

fn valid(names: &Names, from: SystemTime, until: SystemTime) -> Certificate {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(names.as_slice()).unwrap();
    (params.not_before, params.not_after) = (from.into(), until.into());
    let chain = params.self_signed(&key).unwrap().pem();
    let metadata = BundleMetadata::for_names(names.as_slice());
    Certificate::new(&chain, &key.serialize_pem(), metadata).unwrap()
}

/// A CA whose HTTP client cannot be made; counts how often it is wanted, which is before any request.
pub(crate) fn unreachable_ca(asked: &Arc<AtomicUsize>) -> Ca {
    let asked = asked.clone();
    Ca::new("https://ca.example/dir").with_client(move || {
        asked.fetch_add(1, Ordering::SeqCst);
        Err(instant_acme::Error::Str("no client"))
    })
}

/// A CA that takes requests and never answers, and tells of each.
pub(crate) fn silent_ca() -> (Ca, Arc<Notify>) {
    let asked = Arc::new(Notify::new());
    let client = Silent(asked.clone());
    let ca = Ca::new("https://ca.example/dir")
        .with_client(move || Ok(Account::builder_with_http(Box::new(client.clone()))));
    (ca, asked)
}

#[derive(Clone)]
struct Silent(Arc<Notify>);

impl HttpClient for Silent {
    fn request(&self, _: Request<BodyWrapper<Bytes>>) -> Response {
        self.0.notify_one();
        Box::pin(pending())
    }
}

type Response = Pin<Box<dyn Future<Output = Result<BytesResponse, instant_acme::Error>> + Send>>;
