//! Certificates, and a CA that is not reached, for tests.

use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use certstore::bundle::BundleMetadata;
use certstore_core::{Clock, Sleep, SystemClock};
use http::Request;
use instant_acme::{BodyWrapper, BytesResponse, HttpClient};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
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
    params.use_authority_key_identifier_extension = true;
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = Issuer::new(authority, KeyPair::generate().unwrap());
    let chain = params.signed_by(&key, &issuer).unwrap().pem();
    let metadata = BundleMetadata::for_names(names.as_slice());
    Certificate::new(&chain, &key.serialize_pem(), metadata).unwrap()
}

/// A CA whose HTTP client cannot be made; counts how often it is wanted, which is before any request.
pub(crate) fn unreachable_ca(asked: &Arc<AtomicUsize>) -> Ca {
    let asked = asked.clone();
    Ca::new("https://ca.example/dir").without_http(move || {
        asked.fetch_add(1, Ordering::SeqCst);
    })
}

/// A CA that takes requests and never answers, and tells of each.
pub(crate) fn silent_ca() -> (Ca, Arc<Notify>) {
    let asked = Arc::new(Notify::new());
    let ca = Ca::new("https://ca.example/dir").with_http(Arc::new(Silent(asked.clone())));
    (ca, asked)
}

/// Answers requests by a function, of method and URL, and counts them.
pub(crate) struct Scripted<F>(pub(crate) F);

impl<F: Fn(&str, &str) -> http::Response<String> + Send + Sync + 'static> HttpClient
    for Scripted<F>
{
    fn request(&self, request: Request<BodyWrapper<Bytes>>) -> Response {
        let answer = (self.0)(request.method().as_str(), &request.uri().to_string());
        let (parts, body) = answer.into_parts();
        let body = Box::new(Bytes::from(body));
        Box::pin(async move { Ok(BytesResponse { parts, body }) })
    }
}

/// The machine's clocks, but for the wall clock, which stands where a test has put it.
#[derive(Debug)]
pub(crate) struct SetClock(pub(crate) Mutex<SystemTime>);

impl SetClock {
    pub(crate) fn at(wall: SystemTime) -> Arc<Self> {
        Arc::new(Self(Mutex::new(wall)))
    }

    pub(crate) fn set(&self, wall: SystemTime) {
        *self.0.lock().unwrap() = wall;
    }
}

impl Clock for SetClock {
    fn boottime(&self) -> Duration {
        self.wall().duration_since(UNIX_EPOCH).unwrap()
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }

    fn wall(&self) -> SystemTime {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        SystemClock.sleep(duration)
    }
}

struct Silent(Arc<Notify>);

impl HttpClient for Silent {
    fn request(&self, _: Request<BodyWrapper<Bytes>>) -> Response {
        self.0.notify_one();
        Box::pin(pending())
    }
}

type Response = Pin<Box<dyn Future<Output = Result<BytesResponse, instant_acme::Error>> + Send>>;
