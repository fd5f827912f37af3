//! The certificates in memory of one process.

mod books;
mod challenges;
mod eviction;
mod hello;
mod index;
mod name;
mod options;
mod ready;
mod resolver;
mod shelf;
mod tls;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use certstore_core::{Clock, Result, SystemClock};
use rustls::sign::CertifiedKey;

use crate::Certificate;
use books::Books;
use challenges::Challenges;
use hello::with_place;
use index::{Index, Place};
use shelf::{Candidate, Schemes};

pub use challenges::{ACME_TLS_ALPN, alpn_challenge_certificate};
pub use hello::Hello;
pub use options::CacheOptions;
pub use resolver::Resolver;
pub use tls::tls_config;

pub(crate) use resolver::{is_alpn_challenge, offers_acme_tls};
pub(crate) use tls::challenge_config;

/// The certificates in memory of one process: every handshake takes its own from here, and nothing else.
///
/// A lookup takes no lock, allocates nothing and does no I/O; whoever adds or removes waits only for others that do.
/// A name can have several certificates, of other issuers or with other keys. Served is one whose signature the
/// client can check; of those, one that is valid before one that has expired, ECDSA before RSA, and the one that ends
/// later.
///
/// ```
/// use certstore_acme::{Cache, Certificate, Hello};
/// let cache = Cache::new();
/// let key = rcgen::KeyPair::generate()?;
/// let chain = rcgen::CertificateParams::new(["*.example.com".to_owned()])?.self_signed(&key)?;
/// cache.insert(Certificate::from_pem(&chain.pem(), &key.serialize_pem())?);
/// assert!(cache.find(&Hello::named("www.example.com")).is_some());
/// assert!(cache.find(&Hello::named("example.com")).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Cache {
    index: Index,
    books: Mutex<Books>,
    challenges: Challenges,
    options: CacheOptions,
    clock: Arc<dyn Clock>,
}

impl Default for Cache {
    fn default() -> Self {
        Self::with(CacheOptions::default(), Arc::new(SystemClock))
    }
}

impl Cache {
    /// An empty one without limit, default and fallback.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty one.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`](certstore_core::ErrorKind::InvalidKey): the default or the fallback is no name.
    pub fn with_options(options: CacheOptions) -> Result<Self> {
        Self::with_clock(options, Arc::new(SystemClock))
    }

    /// An empty one with a clock, which tells what has expired.
    ///
    /// # Errors
    /// As [`with_options`](Self::with_options).
    pub fn with_clock(options: CacheOptions, clock: Arc<dyn Clock>) -> Result<Self> {
        Ok(Self::with(options.normal()?, clock))
    }

    fn with(options: CacheOptions, clock: Arc<dyn Clock>) -> Self {
        let (index, books, challenges) = Default::default();
        Self { index, books, challenges, options, clock }
    }

    /// Adds a certificate, for all its names. One with the same [hash](Certificate::hash) is replaced: so a new
    /// staple or another issuer gets there. Gives back the one that had to go for it, if the cache was full.
    pub fn insert(&self, certificate: Certificate) -> Option<Certificate> {
        let hash = certificate.hash().to_owned();
        self.replace(&hash, certificate)
    }

    /// Puts a certificate in the place of the one with the hash `old`, or adds it if that is not there. In no moment
    /// a handshake for a name of both finds neither. Gives back the one that had to go, if the cache was full: not
    /// the old one.
    pub fn replace(&self, old: &str, certificate: Certificate) -> Option<Certificate> {
        let mut books = self.books();
        let hash = certificate.hash();
        if old == hash || books.get(hash).is_none() {
            return self.exchange(&mut books, old, certificate);
        }
        // It is there already, and does not become a second one.
        let hash = hash.to_owned();
        if let Some(old) = books.remove(old) {
            self.unlist(&old, &[]);
        }
        self.exchange(&mut books, &hash, certificate)
    }

    /// Puts a certificate with another staple in the place of the same one, if that is still there.
    pub(crate) fn restaple(&self, certificate: Certificate) -> bool {
        let mut books = self.books();
        let hash = certificate.hash().to_owned();
        let is_there = books.get(&hash).is_some();
        if is_there {
            self.exchange(&mut books, &hash, certificate);
        }
        is_there
    }

    fn exchange(
        &self,
        books: &mut Books,
        old: &str,
        certificate: Certificate,
    ) -> Option<Certificate> {
        let replaced = books.replace(old, certificate.clone());
        let evicted = if replaced.is_some() { None } else { self.make_room(books) };
        if replaced.is_none() {
            books.add(certificate.clone());
        }
        let candidate = Candidate::new(certificate);
        let names = candidate.certificate.names();
        for name in names {
            self.index.put(Place::of(name), candidate.clone(), old);
        }
        if let Some(replaced) = replaced {
            self.unlist(&replaced, names);
        }
        evicted
    }

    fn make_room(&self, books: &mut Books) -> Option<Certificate> {
        let capacity = self.options.capacity?.get();
        if books.len() < capacity {
            return None;
        }
        let victim = books.victim(|certificate| {
            // Every name is asked, so that each has its mark taken.
            certificate
                .names()
                .iter()
                .fold(false, |used, name| self.index.take_mark(Place::of(name)) | used)
        })?;
        let evicted = books.remove(&victim)?;
        self.unlist(&evicted, &[]);
        tracing::debug!(names = ?evicted.names(), "a certificate has left the full cache");
        Some(evicted)
    }

    /// Removes the certificate with this hash; gives it back.
    pub fn remove(&self, hash: &str) -> Option<Certificate> {
        let mut books = self.books();
        let removed = books.remove(hash)?;
        self.unlist(&removed, &[]);
        Some(removed)
    }

    fn unlist(&self, certificate: &Certificate, but: &[String]) {
        for name in certificate.names().iter().filter(|name| !but.contains(name)) {
            self.index.take(Place::of(name), certificate.hash());
        }
    }

    /// The certificate with this hash.
    #[must_use]
    pub fn get(&self, hash: &str) -> Option<Certificate> {
        self.books().get(hash).cloned()
    }

    /// All certificates, in no order.
    #[must_use]
    pub fn certificates(&self) -> Vec<Certificate> {
        self.books().all()
    }

    /// The certificates for exactly this name, `*.example.com` for instance; not those that cover it.
    #[must_use]
    pub fn certificates_of(&self, name: &str) -> Vec<Certificate> {
        let listed = with_place(name, |place| {
            self.index.look(place, |shelf| {
                shelf.candidates().map(|candidate| candidate.certificate.clone()).collect()
            })
        });
        listed.flatten().unwrap_or_default()
    }

    /// How many certificates there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.books().len()
    }

    /// Whether one more can come without another one going.
    pub(crate) fn has_room(&self) -> bool {
        self.options.capacity.is_none_or(|capacity| self.len() < capacity.get())
    }

    pub(crate) fn options(&self) -> &CacheOptions {
        &self.options
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The certificate that such a client is served: of the name, of the wildcard above it, or of the fallback; of a
    /// client that names none, of the address it connected to, or of the default.
    #[must_use]
    pub fn find(&self, hello: &Hello<'_>) -> Option<Certificate> {
        self.find_with(hello, |candidate| candidate.certificate.clone())
    }

    /// What rustls serves such a client, as [`find`](Self::find) finds it.
    #[must_use]
    pub fn find_key(&self, hello: &Hello<'_>) -> Option<Arc<CertifiedKey>> {
        let (offered, now) = (hello.offered(), self.clock.unix_seconds());
        // Most clients write a name as certificates have it.
        let ready = hello.name.and_then(|name| self.index.ready(name, offered, now));
        ready.or_else(|| self.find_with(hello, |candidate| Arc::clone(&candidate.key)))
    }

    /// Whether there is a certificate for the name itself or for the wildcard above it: what a fallback does not hide.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        let there = |place: Place<'_>| self.index.look(place, |_| ()).is_some();
        with_place(name, |place| there(place) || place.wildcard().is_some_and(there))
            .unwrap_or(false)
    }

    fn find_with<T>(&self, hello: &Hello<'_>, take: impl Fn(&Candidate) -> T) -> Option<T> {
        let (offered, now) = (hello.offered(), self.clock.unix_seconds());
        let find = |place: Place<'_>| self.find_at(place, offered, now, &take);
        if let Some(name) = hello.name {
            let found = with_place(name, find).flatten();
            return found.or_else(|| find(Place::of(self.options.fallback_name.as_deref()?)));
        }
        let found = hello.address.and_then(|address| find(Place::Address(address.to_canonical())));
        found.or_else(|| find(Place::of(self.options.default_name.as_deref()?)))
    }

    /// What suits goes before what does not; else the name itself before the wildcard above it.
    fn find_at<T>(
        &self,
        place: Place<'_>,
        offered: Schemes,
        now: u64,
        take: impl Fn(&Candidate) -> T,
    ) -> Option<T> {
        let look = |place: Place<'_>| {
            self.index.look(place, |shelf| {
                shelf.mark();
                let (best, suits) = shelf.choose(offered, now);
                (take(best), suits)
            })
        };
        let own = match look(place) {
            Some((own, true)) => return Some(own),
            own => own.map(|(own, _)| own),
        };
        let above = place.wildcard().and_then(look);
        above.filter(|(_, suits)| *suits || own.is_none()).map(|(above, _)| above).or(own)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // A writer that panicked has left at worst a name without its certificate.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("certificates", &self.len())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
