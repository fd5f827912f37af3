//! Reading everything once: does every value load, does every certificate have its key, does the backend hold its word.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use certstore_core::{Dir, ErrorKind, Key, KeyInfo, Result, Storage, one_line};
use futures_util::{StreamExt, TryStreamExt};
use serde::Serialize;

use crate::Config;
use crate::inventory::{KeyMatch, is_certificate, key_beside, read_pair};
pub use crate::probe::ProbeStep;

/// What [`verify`] looks at.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct VerifyOptions {
    /// The directory that is read; the root by default.
    pub dir: Dir,
    /// Whether the backend is probed: a value and a lock of its own, removed again.
    pub probe: bool,
    /// How many values are read at once, at least 1.
    pub concurrency: usize,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self { dir: Dir::ROOT, probe: true, concurrency: 16 }
    }
}

/// What [`verify`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Values that were read.
    pub values: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Certificates among them that belong to the key beside them.
    pub certificates: u64,
    /// What is wrong with which key.
    pub problems: Vec<Problem>,
    /// What is worth knowing of which key, though nothing is wrong.
    pub notes: Vec<Problem>,
    /// Stored names that are no valid keys: somebody else put them there.
    pub foreign: Vec<String>,
    /// The steps of the backend's probe; empty without one.
    pub probe: Vec<ProbeStep>,
}

impl VerifyReport {
    /// Whether nothing is wrong. Foreign names and notes are nothing wrong.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.problems.is_empty() && self.probe.iter().all(|step| step.ok)
    }
}

/// Opens the storage of `config` to be verified, and asks the service behind it, where one can be asked, whether it does
/// what the backend relies on: an S3 store, whether it keeps what S3 promises of conditional requests. Put the steps in
/// front of those of the report.
///
/// A storage to read only is not asked. Where locks come from elsewhere ([`Config::lock_backend`]), a store that does not
/// is nothing wrong: the step says what is so.
///
/// # Errors
/// As [`open`](crate::open).
///
/// # Cancel safety
/// As [`open`](crate::open); the questions to the service go on in the background and clean up after themselves.
pub async fn open_asked(config: &Config) -> Result<(Arc<dyn Storage>, Vec<ProbeStep>)> {
    // To ask is to write.
    let values = if config.is_read_only() {
        None
    } else {
        crate::services::open_asked(&config.storage).await?
    };
    let Some((values, mut steps)) = values else {
        return Ok((crate::open(config).await?, Vec::new()));
    };
    if config.lock.is_some() {
        for step in steps.iter_mut().filter(|step| !step.ok) {
            step.ok = true;
            let detail = step.detail.take().unwrap_or_default();
            step.detail = Some(format!("{detail}; nothing is wrong, as locks come from elsewhere"));
        }
    }
    let values = crate::open::below_prefix(values, &config.storage)?;
    Ok((crate::open::layers_over(values, config).await?, steps))
}

/// Something about a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// The key.
    pub key: String,
    /// What there is to know, in one line.
    pub problem: String,
}

/// Reads every value below `options.dir` and checks it: it loads, it has the size that the list says, a certificate
/// can be read and belongs to the key beside it. Then, unless told otherwise, the backend is probed. `progress` is called
/// with the number of values that were read.
///
/// # Errors
/// [`ErrorKind::NotFound`] when `options.dir` does not exist; else when the storage cannot be listed. What is wrong with
/// one value stands in the report.
///
/// # Cancel safety
/// Dropped, the probe may leave its directory `certstore-probe-*` behind, which can be deleted.
pub async fn verify(
    storage: &dyn Storage,
    options: &VerifyOptions,
    progress: impl Fn(u64) + Send + Sync,
) -> Result<VerifyReport> {
    let mut report =
        VerifyReport { foreign: storage.foreign(&options.dir).await?, ..VerifyReport::default() };
    let read = AtomicU64::new(0);
    let mut findings = storage
        .walk(&options.dir)
        .try_filter(|info| std::future::ready(info.is_terminal))
        .map_ok(async |info| Ok::<_, certstore_core::Error>(look_at(storage, info).await))
        .try_buffer_unordered(options.concurrency.max(1))
        .boxed();
    while let Some(finding) = findings.try_next().await? {
        report.add(finding);
        progress(read.fetch_add(1, Ordering::Relaxed) + 1);
    }
    drop(findings);
    report.problems.sort_by(|a, b| a.key.cmp(&b.key));
    report.notes.sort_by(|a, b| a.key.cmp(&b.key));
    if options.probe {
        report.probe = crate::probe::probe(storage).await?;
    }
    Ok(report)
}

/// What was found about one key.
#[derive(Debug)]
struct Finding {
    key: Key,
    bytes: Option<u64>,
    matched: bool,
    problems: Vec<String>,
    note: Option<String>,
}

impl VerifyReport {
    fn add(&mut self, finding: Finding) {
        let of_key = |problem| Problem { key: finding.key.as_str().to_owned(), problem };
        self.values += u64::from(finding.bytes.is_some());
        self.bytes += finding.bytes.unwrap_or(0);
        self.certificates += u64::from(finding.matched);
        self.problems.extend(finding.problems.into_iter().map(of_key));
        self.notes.extend(finding.note.map(of_key));
    }
}

async fn look_at(storage: &dyn Storage, info: KeyInfo) -> Finding {
    let key = info.key.clone();
    let mut finding =
        Finding { key, bytes: None, matched: false, problems: Vec::new(), note: None };
    let value = match storage.load(&info.key).await {
        Ok(value) => value,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            finding.note = Some("was deleted while it was verified".into());
            return finding;
        }
        Err(error) => {
            finding.problems.push(one_line(&error));
            return finding;
        }
    };
    finding.bytes = Some(value.len() as u64);
    if info.size.is_some_and(|size| size != value.len() as u64) && !rewritten(storage, &info).await
    {
        finding.problems.push(format!(
            "has {} bytes, but the list says {:?}",
            value.len(),
            info.size.unwrap_or(0)
        ));
    }
    if is_certificate(&info.key) {
        look_at_certificate(storage, value, &mut finding).await;
    }
    finding
}

/// Whether the value was written again after it was listed.
async fn rewritten(storage: &dyn Storage, listed: &KeyInfo) -> bool {
    storage
        .stat(&listed.key)
        .await
        .is_ok_and(|now| now.version != listed.version || now.modified != listed.modified)
}

async fn look_at_certificate(storage: &dyn Storage, plain: Bytes, finding: &mut Finding) {
    let Some(private_key) = key_beside(&finding.key) else { return };
    let plain_key = storage.load(&private_key).await;
    let (chain, key) = match storage.load_bundle(&[&private_key, &finding.key]).await {
        Ok(bundle) => (bundle[1].clone(), Ok(bundle[0].clone())),
        Err(error) => (plain.clone(), Err(error)),
    };
    if key.as_ref().is_ok_and(|key| chain != plain || !plain_key.is_ok_and(|plain| plain == *key)) {
        finding.note = Some(
            "its bundle is being written, or was not finished; its next writer finishes it".into(),
        );
    }
    match read_pair(&chain, &key) {
        Ok((_, KeyMatch::Yes)) => finding.matched = true,
        Ok((_, KeyMatch::Missing)) => finding.note = Some("has no private key beside it".into()),
        Ok((_, KeyMatch::No)) => {
            finding.problems.push(format!("does not belong to the key {private_key}"));
        }
        Ok((_, KeyMatch::Unknown(fault))) => {
            finding.problems.push(format!("the key {private_key} is not usable: {fault}"));
        }
        Err(fault) => finding.problems.push(format!("is no certificate: {fault}")),
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
