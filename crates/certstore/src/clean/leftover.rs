//! What writers that died have left: files that were never finished, and health checks.

use certstore_core::{KeyInfo, Result};

use super::CleanKind;
use super::removal::Remover;
use super::report::Verdict;

/// The size of CertMagic's health check.
const HEALTH_CHECK: usize = 10 * 1024;

/// Decides by age and by what the value begins with: a cut value is all that is expected of it.
pub(super) async fn look_at(
    remover: &Remover<'_>,
    info: &KeyInfo,
    kind: CleanKind,
) -> Result<Verdict> {
    if !remover.is_stale(info) {
        return Ok(Verdict::InUse);
    }
    let (value, version) = remover.read(&info.key).await?;
    let (proved, why) = match kind {
        CleanKind::HealthCheck => {
            (value.len() == HEALTH_CHECK, "nobody removed this check of the storage")
        }
        _ => (begins_like_ours(&value), "nobody finished this file"),
    };
    if !proved {
        return Ok(Verdict::Garbage("its content is not what its name says".into()));
    }
    remover.remove(&info.key, version.as_ref(), why.to_owned(), &[]).await
}

/// Whether a value is, as far as it goes, PEM, a JSON object, or a DER sequence: all that is stored there.
fn begins_like_ours(value: &[u8]) -> bool {
    const PEM: &[u8] = b"-----BEGIN ";
    let length = value.len().min(PEM.len());
    value[..length] == PEM[..length] || matches!(value.first(), Some(b'{' | 0x30))
}
