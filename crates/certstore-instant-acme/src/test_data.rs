//! Certificates, and a CA that is not reached, for tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use certstore::bundle::BundleMetadata;
use rcgen::{CertificateParams, KeyPair};

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
