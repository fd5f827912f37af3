//! The certificates of one name, and which of them is served.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::sign::CertifiedKey;
use rustls::{SignatureAlgorithm, SignatureScheme};

use crate::Certificate;

/// The schemes that a server of TLS 1.2 or 1.3 signs with.
const SCHEMES: [SignatureScheme; 11] = [
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::ECDSA_NISTP521_SHA512,
    SignatureScheme::ED25519,
    SignatureScheme::ED448,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

/// The bit of a scheme; none of one that is not in the list. A match, as every handshake asks for eight or so.
fn bit(scheme: SignatureScheme) -> u16 {
    match scheme {
        SignatureScheme::ECDSA_NISTP256_SHA256 => 1,
        SignatureScheme::ECDSA_NISTP384_SHA384 => 1 << 1,
        SignatureScheme::ECDSA_NISTP521_SHA512 => 1 << 2,
        SignatureScheme::ED25519 => 1 << 3,
        SignatureScheme::ED448 => 1 << 4,
        SignatureScheme::RSA_PSS_SHA256 => 1 << 5,
        SignatureScheme::RSA_PSS_SHA384 => 1 << 6,
        SignatureScheme::RSA_PSS_SHA512 => 1 << 7,
        SignatureScheme::RSA_PKCS1_SHA256 => 1 << 8,
        SignatureScheme::RSA_PKCS1_SHA384 => 1 << 9,
        SignatureScheme::RSA_PKCS1_SHA512 => 1 << 10,
        _ => 0,
    }
}

/// Some of the schemes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schemes(u16);

impl Schemes {
    /// Of somebody who has not said what they know.
    pub(super) const ALL: Self = Self(u16::MAX);

    pub(super) fn of(offered: &[SignatureScheme]) -> Self {
        Self(offered.iter().fold(0, |all, scheme| all | bit(*scheme)))
    }

    /// In the lowest 16 bits.
    pub(super) fn bits(self) -> u64 {
        u64::from(self.0)
    }

    fn that_sign(key: &CertifiedKey) -> Self {
        let signing = SCHEMES.iter().filter(|known| key.key.choose_scheme(&[**known]).is_some());
        match signing.fold(0, |all, scheme| all | bit(*scheme)) {
            // A scheme that is newer than this list: the handshake will tell.
            0 => Self::ALL,
            bits => Self(bits),
        }
    }

    fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// Seconds since 1970.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A certificate, with what a lookup asks about it beside it.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) certificate: Certificate,
    pub(super) key: Arc<CertifiedKey>,
    pub(super) not_before: u64,
    pub(super) not_after: u64,
    pub(super) schemes: Schemes,
    preference: u8,
}

/// How well a certificate suits: compared part by part, from the first on.
type Rank<'a> = (bool, bool, u8, u64, &'a str);

impl Candidate {
    pub(super) fn new(certificate: Certificate) -> Self {
        let key = Arc::clone(certificate.certified_key());
        let preference = match key.key.algorithm() {
            SignatureAlgorithm::ECDSA => 2,
            SignatureAlgorithm::RSA => 0,
            _ => 1,
        };
        Self {
            not_before: seconds(certificate.not_before()),
            not_after: seconds(certificate.not_after()),
            schemes: Schemes::that_sign(&key),
            preference,
            key,
            certificate,
        }
    }

    /// Whether the client can check its signature, and whether its time has come and not gone.
    fn suits(&self, offered: Schemes, now: u64) -> (bool, bool) {
        (self.schemes.meets(offered), self.not_before <= now && now < self.not_after)
    }

    /// What the client knows before what it does not, valid before expired, ECDSA before others before RSA, then the
    /// one that ends later. The hash makes all nodes choose alike.
    fn rank(&self, offered: Schemes, now: u64) -> Rank<'_> {
        let (known, valid) = self.suits(offered, now);
        (known, valid, self.preference, self.not_after, self.certificate.hash())
    }
}

/// All certificates of a name, one at least. A shelf is never changed, only put in the place of another, so whoever
/// looks sees the old set or the new one. Whether somebody looked is noted on it.
#[derive(Debug)]
pub(super) struct Shelf {
    used: AtomicBool,
    first: Candidate,
    others: Box<[Candidate]>,
}

impl Shelf {
    /// One with `candidate`, and without the certificate of that hash and of the hash `instead_of`.
    pub(super) fn with(old: Option<&Self>, candidate: Candidate, instead_of: &str) -> Self {
        let hash = candidate.certificate.hash();
        let stays = |other: &&Candidate| {
            let other = other.certificate.hash();
            other != hash && other != instead_of
        };
        let others = old.into_iter().flat_map(Self::candidates).filter(stays).cloned().collect();
        let used = AtomicBool::new(old.is_some_and(|old| old.used.load(Ordering::Relaxed)));
        Self { used, first: candidate, others }
    }

    /// One without the certificate of that hash; `None` when nothing is left.
    pub(super) fn without(&self, hash: &str) -> Option<Self> {
        let mut left = self.candidates().filter(|other| other.certificate.hash() != hash).cloned();
        let first = left.next()?;
        let used = AtomicBool::new(self.used.load(Ordering::Relaxed));
        Some(Self { used, first, others: left.collect() })
    }

    pub(super) fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The certificate, if there is one only.
    pub(super) fn only(&self) -> Option<&Candidate> {
        self.others.is_empty().then_some(&self.first)
    }

    /// The one to serve, and whether it suits: the client can check its signature, and it is valid.
    pub(super) fn choose(&self, offered: Schemes, now: u64) -> (&Candidate, bool) {
        let best = self.others.iter().fold(&self.first, |best, other| {
            if other.rank(offered, now) > best.rank(offered, now) { other } else { best }
        });
        (best, best.suits(offered, now) == (true, true))
    }

    /// Notes that somebody looked. Written once between two rounds of eviction: what all processors read stays in the
    /// caches of all.
    pub(super) fn mark(&self) {
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    /// Whether somebody looked since this was last asked.
    pub(super) fn take_mark(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }
}
