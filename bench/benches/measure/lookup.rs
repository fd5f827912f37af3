//! How long a handshake looks for its certificate among a million.

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use certstore_acme::{Cache, Certificate, Hello};
use rcgen::{CertificateParams, KeyPair};
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::CertifiedKey;

use crate::stats::{Random, median, quantile};
use crate::{Result, verdict};

const NAMES: usize = 1_000_000;
const LOOKUPS: usize = 1_000_000;
/// Prime to the number of names.
const APART: usize = 611_953;
const TARGET: Duration = Duration::from_nanos(200);
/// Has glibc ask for huge pages, and keep what all threads allocate where it does so.
const HUGE_PAGES: (&str, &str) =
    ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1");
/// What a browser offers.
const SCHEMES: [SignatureScheme; 8] = [
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA512,
];

/// Each lookup is timed alone, and the clock's own time, measured the same way, is taken off. A million names are a million
/// certificates. The target is for names as clients ask for them: few often, most rarely (Zipf's law). Names that are all as
/// likely are shown beside it: then nearly every lookup waits for memory, so what one read of that memory takes is shown, too.
/// Where the allocator is glibc's, all of it is shown once more for a process that has huge pages; that line has no target.
pub(crate) fn lookup(_folder: &Path) -> Result<bool> {
    let has_huge_pages = std::env::var(HUGE_PAGES.0).is_ok_and(|set| set == HUGE_PAGES.1);
    let before = resident()?;
    let cache = Arc::new(Cache::new());
    let halves: Vec<_> = [0..NAMES / 2, NAMES / 2..NAMES]
        .into_iter()
        .map(|range| {
            let cache = Arc::clone(&cache);
            thread::spawn(move || fill(&cache, range).map_err(|error| error.to_string()))
        })
        .collect();
    let mut chains = 0;
    for half in halves {
        chains += half.join().map_err(|_| "a thread that filled the cache has panicked")??;
    }
    let bytes = resident()?.saturating_sub(before) / NAMES;
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let likely = measure(&cache, &zipf(&mut random))?;
    let evenly: Vec<usize> = (0..LOOKUPS).map(|_| random.below(NAMES)).collect();
    let evenly = measure(&cache, &evenly)?;
    let p50 = median(&likely);
    let met = verdict(
        if has_huge_pages { "lookup, huge pages" } else { "lookup" },
        p50 < TARGET,
        &format!(
            "p50 {p50:?}, p99 {:?} among {NAMES} names by Zipf's law (target p50 {TARGET:?}; {LOOKUPS} lookups, each timed alone); all as likely: p50 {:?}, where one read of memory takes {:?}; {bytes} bytes a certificate, {} of them its chain",
            quantile(&likely, 0.99),
            median(&evenly),
            read_of_memory(&mut random),
            chains / NAMES,
        ),
    );
    if has_huge_pages {
        return Ok(true);
    }
    drop(cache);
    if cfg!(all(target_os = "linux", target_env = "gnu")) {
        let again = Command::new(std::env::current_exe()?)
            .arg("acme-lookup")
            .env(HUGE_PAGES.0, HUGE_PAGES.1)
            .status()?;
        if !again.success() {
            return Err("the process with huge pages has failed".into());
        }
    }
    Ok(met)
}

fn measure(cache: &Cache, numbers: &[usize]) -> Result<Vec<Duration>> {
    let asked: Vec<String> = numbers.iter().map(|number| name(*number)).collect();
    let empty = median(&asked.iter().map(|_| timed(|| ())).collect::<Vec<_>>());
    let find = |name: &String| cache.find_key(&Hello::named(name).with_schemes(&SCHEMES));
    if asked.iter().step_by(1_000).any(|name| find(name).is_none()) {
        return Err("a name is not found".into());
    }
    Ok(asked.iter().map(|name| timed(|| find(name)).saturating_sub(empty)).collect())
}

/// Numbers of which the nth most frequent one comes with a frequency of 1/n; those that are frequent lie far apart.
fn zipf(random: &mut Random) -> Vec<usize> {
    let weights = (1..=NAMES).map(|rank| 1.0 / rank as f64);
    let sums: Vec<f64> = weights
        .scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        })
        .collect();
    let all = sums.last().copied().unwrap_or_default();
    let draw = |_| {
        let drawn = all * random.below(1 << 30) as f64 / (1_u64 << 30) as f64;
        sums.partition_point(|sum| *sum <= drawn).min(NAMES - 1) * APART % NAMES
    };
    (0..LOOKUPS).map(draw).collect()
}

/// How long one waits for what lies in memory, when it tells where the next lies: as many places as there are names, and as
/// far apart.
fn read_of_memory(random: &mut Random) -> Duration {
    const SPREAD: usize = 1_024 / size_of::<usize>();
    let mut order: Vec<usize> = (0..NAMES).collect();
    for place in (1..NAMES).rev() {
        order.swap(place, random.below(place));
    }
    let mut memory = vec![0; NAMES * SPREAD];
    for (place, next) in order.iter().zip(order.iter().cycle().skip(1)) {
        memory[place * SPREAD] = *next;
    }
    let start = Instant::now();
    black_box((0..NAMES).fold(0, |place, _| memory[place * SPREAD]));
    start.elapsed() / u32::try_from(NAMES).unwrap_or(u32::MAX)
}

fn name(number: usize) -> String {
    format!("www.customer-{number}.example")
}

/// Gives the bytes of all chains.
fn fill(cache: &Cache, range: std::ops::Range<usize>) -> Result<usize> {
    let key = KeyPair::generate()?;
    let mut bytes = 0;
    for number in range {
        let certificate = CertificateParams::new([name(number)])?.self_signed(&key)?;
        bytes += certificate.der().len();
        let signer = any_supported_type(&PrivateKeyDer::Pkcs8(key.serialize_der().into()))?;
        let key = CertifiedKey::new(vec![certificate.der().clone()], signer);
        cache.insert(Certificate::from_rustls(Arc::new(key))?);
    }
    Ok(bytes)
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(work());
    start.elapsed()
}

/// The memory of this process that is in use.
fn resident() -> Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: usize =
        line.and_then(|line| line.split_whitespace().next()).ok_or("no VmRSS")?.parse()?;
    Ok(kib * 1024)
}
