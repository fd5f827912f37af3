//! Certificates that expired long ago, with their keys and metadata.

use bytes::Bytes;
use certstore_core::{ErrorKind, Key, Lock, LockName, Result, StorageKeys};

use super::removal::{Remover, busy, is_lost, release, shown};
use super::report::Verdict;
use crate::inventory::Parsed;

/// Decides by what the certificate says; before anything is removed, it is read again under the site's issue lock.
pub(super) async fn look_at(remover: &Remover<'_>, key: &Key, site: &str) -> Result<Verdict> {
    let first = read(&remover.storage.load(key).await?, site);
    let expired = match first {
        Ok(certificate) if remover.is_past_grace(certificate.not_after) => certificate,
        Ok(_) => return Ok(Verdict::InUse),
        Err(fault) => return Ok(Verdict::Garbage(fault)),
    };
    if remover.is_dry() {
        return Ok(Verdict::WouldRemove(why(&expired)));
    }
    let Some(guards) = remover.locks(&expired.locks).await? else {
        return Ok(busy(&expired.locks));
    };
    let removed = remove(remover, key, site, &expired, &guards).await;
    release(guards).await;
    removed
}

async fn remove(
    remover: &Remover<'_>,
    key: &Key,
    site: &str,
    expired: &Certificate,
    guards: &[Lock],
) -> Result<Verdict> {
    // As a bundle: a renewal that was interrupted may have left a newer one in a journal.
    let bundle = remover.storage.load_bundle(&[key]).await?;
    let again = read(bundle.first().unwrap_or(&Bytes::new()), site);
    match again {
        Ok(now) if !remover.is_past_grace(now.not_after) => {
            return Ok(Verdict::Renewed(format!("renewed, good until {}", shown(now.not_after))));
        }
        // Another certificate, that names other locks: it is looked at anew next time.
        Ok(now) if now.locks != expired.locks => {
            return Ok(Verdict::Renewed("it was written again meanwhile".into()));
        }
        Ok(_) => {}
        Err(fault) => return Ok(Verdict::Garbage(fault)),
    }
    // The certificate last: while it is there, the next cleaning finds what an interrupted one has left.
    for file in files(key) {
        match remover.delete_under(&file, guards).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {
                return Ok(Verdict::Renewed("it was written again meanwhile".into()));
            }
            Err(error) if is_lost(&error) => return Ok(busy(&expired.locks)),
            deleted => deleted?,
        }
    }
    Ok(Verdict::Removed(why(expired)))
}

fn why(certificate: &Certificate) -> String {
    format!("expired {}", shown(certificate.not_after))
}

/// The files of a site in the order in which they go.
fn files(certificate: &Key) -> Vec<Key> {
    let stem = certificate.as_str().strip_suffix(".crt").unwrap_or(certificate.as_str());
    let mut files: Vec<Key> = [".json", ".key"]
        .iter()
        .filter_map(|extension| Key::new(&format!("{stem}{extension}")).ok())
        .collect();
    files.push(certificate.clone());
    files
}

/// What decides of a certificate.
struct Certificate {
    not_after: i64,
    /// The locks under which it is renewed.
    locks: Vec<LockName>,
}

/// Reads a certificate that proves to be of the site it lies in.
fn read(chain: &[u8], site: &str) -> Result<Certificate, String> {
    let parsed = Parsed::from_pem(chain)?;
    if parsed.authority {
        return Err("it is an authority's certificate, not a site's".into());
    }
    let locks = issue_locks(&parsed.names, site);
    if locks.is_empty() {
        return Err(format!("it is not for the site {site} that it lies in"));
    }
    Ok(Certificate { not_after: parsed.not_after_unix, locks })
}

/// The locks of those names of a certificate that its directory is for. CertMagic locks a name as it was configured: that
/// of a domain in Unicode can be either spelling (UTS 46). A certificate for several names is known by all of them,
/// sorted and joined by commas.
fn issue_locks(names: &[String], site: &str) -> Vec<LockName> {
    let mut candidates: Vec<String> = names.to_vec();
    if names.len() > 1 {
        let mut sorted = names.to_vec();
        sorted.sort();
        candidates.push(sorted.join(","));
    }
    let mut locks = Vec::new();
    for name in candidates.iter().filter(|name| StorageKeys::safe(name) == site) {
        let (unicode, _) = idna::domain_to_unicode(name);
        // Mapping must only undo punycode: a name that it changes otherwise is left as it is.
        let spellings = [Some(name.clone()), name.contains("xn--").then_some(unicode)];
        for spelling in spellings.into_iter().flatten() {
            locks.extend(StorageKeys::issue_cert_lock(&spelling));
        }
    }
    locks.sort();
    locks.dedup();
    locks
}

#[cfg(test)]
mod tests {
    use super::issue_locks;

    fn locks(names: &[&str], site: &str) -> Vec<String> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        issue_locks(&names, site).iter().map(|name| name.as_str().to_owned()).collect()
    }

    #[test]
    fn locks_are_spelled_as_certmagic_spells_them() {
        assert_eq!(locks(&["a.test"], "a.test"), ["issue_cert_a.test"]);
        assert_eq!(locks(&["*.a.test"], "wildcard_.a.test"), ["issue_cert_*.a.test"]);
        assert_eq!(locks(&["2001:db8::1"], "2001-db8--1"), ["issue_cert_2001:db8::1"]);
        assert_eq!(
            locks(&["xn--bcher-kva.test"], "xn--bcher-kva.test"),
            ["issue_cert_bücher.test", "issue_cert_xn--bcher-kva.test"]
        );
        assert_eq!(
            locks(&["*.xn--bcher-kva.test"], "wildcard_.xn--bcher-kva.test"),
            ["issue_cert_*.bücher.test", "issue_cert_*.xn--bcher-kva.test"]
        );
        assert_eq!(locks(&["b.test", "a.test"], "a.testb.test"), ["issue_cert_a.test,b.test"]);
    }

    #[test]
    fn a_certificate_of_another_site_names_no_lock() {
        assert!(locks(&["b.test"], "a.test").is_empty());
        assert!(locks(&[], "a.test").is_empty());
    }
}
