//! Which certificates a storage holds, what they are worth, and whether their keys are there and match.

mod certificate;
mod private_key;
mod row;

use std::time::SystemTime;

use bytes::Bytes;
use certstore_core::{Dir, Error, ErrorKind, Key, Result, Storage, one_line};
use futures_util::TryStreamExt;

pub use private_key::signing_key;
pub use row::{CertificateDetails, CertificateRow, KeyMatch};

pub(crate) use certificate::Parsed;
use private_key::matches;

/// What [`certs`] lists, and as of when.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct InventoryOptions {
    /// The directory to look in; the root by default.
    pub dir: Dir,
    /// The moment that days are counted from.
    pub now: SystemTime,
    /// How many certificates are loaded at once, at least 1.
    pub concurrency: usize,
}

impl Default for InventoryOptions {
    fn default() -> Self {
        Self { dir: Dir::ROOT, now: SystemTime::now(), concurrency: 16 }
    }
}

/// The certificates in `storage`, soonest expiry first: every value whose name ends with `.crt`, with the key beside it.
///
/// A file that holds no certificate is a row with an error, after the others; it never stops the list.
///
/// # Errors
/// [`ErrorKind::NotFound`] when `dir` does not exist; else as [`Storage::walk`] of the backend. What is wrong with one
/// certificate or key stands in its row.
///
/// # Cancel safety
/// Cancel safe: it only reads.
pub async fn certs(
    storage: &dyn Storage,
    options: &InventoryOptions,
) -> Result<Vec<CertificateRow>> {
    let found = storage.walk(&options.dir).try_filter_map(async |info| {
        Ok(is_certificate(&info.key).then_some(info.key).filter(|_| info.is_terminal))
    });
    let mut rows: Vec<CertificateRow> = found
        .map_ok(async |key| Ok::<_, Error>(inspect(storage, key, options.now).await))
        .try_buffer_unordered(options.concurrency.max(1))
        .try_collect()
        .await?;
    rows.sort_by_cached_key(|row| {
        let expiry = row.details.as_ref().map(|details| details.not_after_unix);
        (expiry.is_none(), expiry, row.certificate.clone())
    });
    Ok(rows)
}

/// Whether a key names a certificate: `NAME.crt`.
pub(crate) fn is_certificate(key: &Key) -> bool {
    key.name().strip_suffix(".crt").is_some_and(|stem| !stem.is_empty())
}

/// The private key that lies beside a certificate: `NAME.key`.
pub(crate) fn key_beside(certificate: &Key) -> Option<Key> {
    let stem = certificate.as_str().strip_suffix(".crt")?;
    Key::new(&format!("{stem}.key")).ok()
}

async fn inspect(storage: &dyn Storage, certificate: Key, now: SystemTime) -> CertificateRow {
    let private_key = key_beside(&certificate);
    let (chain, key) = match load_pair(storage, &certificate, private_key.as_ref()).await {
        Ok(pair) => pair,
        Err(error) => return CertificateRow::broken(certificate, one_line(&error)),
    };
    let mut found = read_pair(&chain, &key);
    if let (Ok((_, KeyMatch::No)), Some(private)) = (&found, &private_key) {
        // Perhaps a writer was between the two: only the bundle tells them apart from a pair that does not fit.
        if let Ok(bundle) = storage.load_bundle(&[private, &certificate]).await {
            found = read_pair(&bundle[1], &Ok(bundle[0].clone()));
        }
    }
    match found {
        Ok((parsed, matched)) => CertificateRow::of(certificate, private_key, parsed, matched, now),
        Err(fault) => CertificateRow::broken(certificate, fault),
    }
}

async fn load_pair(
    storage: &dyn Storage,
    certificate: &Key,
    private_key: Option<&Key>,
) -> Result<(Bytes, Result<Bytes>)> {
    let wanted: Vec<&Key> = std::iter::once(certificate).chain(private_key).collect();
    let mut values = storage.load_many(&wanted).await.into_iter();
    let chain = values.next().unwrap_or_else(|| Err(Error::not_found()))?;
    Ok((chain, values.next().unwrap_or_else(|| Err(Error::not_found()))))
}

/// What a chain says, and whether the key belongs to it; a fault of the chain is one line.
pub(crate) fn read_pair(chain: &[u8], key: &Result<Bytes>) -> Result<(Parsed, KeyMatch), String> {
    let parsed = Parsed::from_pem(chain)?;
    let matched = match key {
        Ok(pem) => matches(pem, &parsed.public_key),
        Err(error) if error.kind() == ErrorKind::NotFound => KeyMatch::Missing,
        Err(error) => KeyMatch::Unknown(one_line(error)),
    };
    Ok((parsed, matched))
}

#[cfg(test)]
#[path = "inventory/inventory_tests.rs"]
mod tests;

#[cfg(test)]
pub(crate) mod test_data;
