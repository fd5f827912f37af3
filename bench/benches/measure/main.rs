//! `cargo xtask bench [FILTER]`: each backend measured against its floor, the raw calls or the raw client, side by side
//! in one run, on servers of its own.
//!
//! Every line names its target; the program fails when one is missed. Disk flushes vary with whatever else the machine
//! does, so what is compared is interleaved, and a ratio comes with its confidence interval.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod clouds;
mod files;
mod handshakes;
mod listing;
mod locks;
mod lookup;
mod sealed;
mod services;
mod stats;
mod warm_start;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use certstore::Storage;

/// A result of this program.
type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// A measurement; says whether the target was met.
type Measurement = fn(&Path) -> Result<bool>;

const MEASUREMENTS: [(&str, Measurement); 18] = [
    ("fs-store", files::store),
    ("fs-load", files::load),
    ("fs-list", listing::list),
    ("fs-sealed", sealed::sealed),
    ("fs-lock", locks::uncontended),
    ("fs-handover", locks::handover),
    ("redis", services::redis),
    ("redis-handover", services::redis_handover),
    ("postgres", services::postgres),
    ("postgres-handover", services::postgres_handover),
    ("s3", services::s3),
    ("gcs", clouds::gcs),
    ("oss", clouds::oss),
    ("secretsmanager", clouds::secretsmanager),
    ("acme-lookup", lookup::lookup),
    ("acme-handshakes", handshakes::handshakes),
    ("acme-resumption", handshakes::resumption),
    ("acme-warm-start", warm_start::warm_start),
];

fn main() -> Result<()> {
    // cargo adds --bench
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [role, rest @ ..] = arguments.as_slice()
        && let Some(role) = role.strip_prefix("child-")
    {
        return locks::child(role, rest);
    }
    let chosen = |name: &str| {
        arguments.is_empty() || arguments.iter().any(|filter| name.contains(filter.as_str()))
    };
    let folder = folder();
    let mut missed = Vec::new();
    for (name, measurement) in MEASUREMENTS.into_iter().filter(|(name, _)| chosen(name)) {
        let own = folder.join(name);
        std::fs::create_dir_all(&own)?;
        if !measurement(&own)? {
            missed.push(name);
        }
        std::fs::remove_dir_all(&own)?;
    }
    if !missed.is_empty() {
        return Err(format!("targets missed: {}", missed.join(", ")).into());
    }
    Ok(())
}

/// On the disk that holds the build: the temporary directory may be memory, where a flush costs nothing.
fn folder() -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let target = if target.is_absolute() {
        target
    } else {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(target)
    };
    target.join(format!("bench-{}", std::process::id()))
}

/// The files backend in a folder.
fn open(folder: &Path) -> Result<Arc<dyn Storage>> {
    Ok(runtime()?.block_on(certstore::open_url(&file_url(folder)?))?)
}

fn file_url(folder: &Path) -> Result<String> {
    let path = std::path::absolute(folder)?.display().to_string();
    Ok(format!("file://{}", path.replace('%', "%25").replace(' ', "%20")))
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// Prints one result and whether it meets its target.
fn verdict(name: &str, met: bool, text: &str) -> bool {
    println!("{name:<18} {:<7} {text}", if met { "met" } else { "MISSED" });
    met
}
